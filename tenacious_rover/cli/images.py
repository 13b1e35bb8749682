# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""`tenacious images`: query the image catalogue of a run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tenacious_rover.cli import refuse
from tenacious_rover.cli.run_folder import RunFolderError, newest

if TYPE_CHECKING:
    from tenacious_rover.imaging.catalogue import Catalogue
    from tenacious_rover.imaging.sidecar import Sidecar

app = typer.Typer(help="Query the image catalogue of a run.", no_args_is_help=True)
Run = Annotated[Path | None, typer.Option("--run", help="run folder; default: the newest in runs/")]
Json = Annotated[bool, typer.Option("--json", help="for scripts")]
Near = Annotated[tuple[float, float] | None, typer.Option(help="x y in map, m")]
Radius = Annotated[float, typer.Option(help="around --near, m")]
Purpose = Annotated[str, typer.Option(help="part of the purpose")]
Kind = Annotated[str, typer.Option(help="single, stereo, burst, bracket, panorama or target")]


@app.callback()
def group() -> None:
    """Query the image catalogue of a run."""


def _opened(run: Path | None) -> Catalogue:
    from tenacious_rover.imaging.catalogue import Catalogue
    from tenacious_rover.imaging.error import ImagingError

    try:
        return Catalogue(run or newest(), read_only=True)
    except (ImagingError, RunFolderError) as error:
        raise refuse(error) from error


def _found(
    catalogue: Catalogue,
    near: tuple[float, float] | None,
    radius: float,
    purpose: str,
    kind: str,
) -> list[Sidecar]:
    from tenacious_rover.imaging.catalogue import Query
    from tenacious_rover.imaging.sidecar import KINDS

    if kind and kind not in KINDS:
        raise refuse(f"--kind: {kind!r} is not one of {', '.join(KINDS)}")
    return catalogue.find(Query(kind, purpose, near, radius))


def _where(card: Sidecar) -> str:
    if card.position_m is None:
        return "place unknown"
    return f"{card.position_m[0]:7.2f} {card.position_m[1]:7.2f} m"


@app.command(name="ls", epilog="Example: tenacious images ls --near 5.5 1.5 --purpose sample")
def list_images(
    run: Run = None,
    near: Near = None,
    radius: Radius = 2.0,
    purpose: Purpose = "",
    kind: Kind = "",
    as_json: Json = False,
) -> None:
    """Pictures that match."""
    cards = _found(_opened(run), near, radius, purpose, kind)
    if as_json:
        typer.echo(json.dumps([json.loads(card.text()) for card in cards]))
        return
    for card in cards:
        typer.echo(f"{card.id:<28} {card.time_s:9.1f} s  {_where(card)}  {card.purpose}")
    if not cards:
        typer.echo("no pictures match")


@app.command(epilog="Example: tenacious images show 00001_stereo_left")
def show(
    name: Annotated[str, typer.Argument(help="id")], run: Run = None, as_json: Json = False
) -> None:
    """The facts of one picture, its checksum checked."""
    from tenacious_rover.imaging.error import ImagingError

    catalogue = _opened(run)
    try:
        card = catalogue.get(name)
        catalogue.pixels(card)
    except ImagingError as error:
        raise refuse(error) from error
    facts = json.loads(card.text())
    if as_json:
        typer.echo(json.dumps(facts))
        return
    for key, value in facts.items():
        if value not in (None, {}, []):
            typer.echo(f"{key:<20} {value}")


@app.command(epilog="Example: tenacious images sheet --out sheet.png")
def sheet(
    run: Run = None,
    near: Near = None,
    radius: Radius = 2.0,
    purpose: Purpose = "",
    kind: Kind = "",
    out: Annotated[Path, typer.Option(help="PNG to write")] = Path("contact_sheet.png"),
) -> None:
    """A contact sheet of the pictures that match."""
    import cv2

    from tenacious_rover.imaging.error import ImagingError
    from tenacious_rover.imaging.sheet import contact_sheet

    catalogue = _opened(run)
    cards = _found(catalogue, near, radius, purpose, kind)
    if not cards:
        raise refuse("no pictures match")
    try:
        pictures = [catalogue.pixels(card) for card in cards]
    except ImagingError as error:
        raise refuse(error) from error
    captions = [(c.id, f"{c.time_s:.0f} s, {_where(c)}, {c.purpose}"[:48]) for c in cards]
    made = contact_sheet(pictures, captions, title=catalogue.run_folder.resolve().name)
    if not cv2.imwrite(str(out), made[..., ::-1]):
        raise refuse(f"{out}: cannot be written")
    typer.echo(f"{out}: {len(cards)} pictures")
