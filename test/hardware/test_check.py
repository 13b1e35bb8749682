# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""`tenacious hardware check` on emulated parts, whole and broken."""

import json

import pytest
import yaml
from typer.testing import CliRunner
from wired_stand import Stand

from tenacious_rover.cli.hardware import app

RUN = CliRunner()


@pytest.fixture
def stand(tmp_path):
    made = Stand(tmp_path, "framed")
    yield made
    made.close()


def checked(stand, tmp_path, *options):
    content = {
        "hardware": {
            "ros__parameters": {
                "motors_port": str(stand.port),
                "i2c": str(stand.bus_path),
                "latch": "expander",
                "estop": "expander",
                "cameras": "none",
                "temperatures": f"electronics={tmp_path}/celsius",
            }
        }
    }
    config, report = tmp_path / "rover.yaml", tmp_path / "report.json"
    config.write_text(yaml.safe_dump(content))
    stand.platform.close()
    arguments = ["check", "--config", str(config), "--report", str(report), *options]
    result = RUN.invoke(app, arguments)
    steps = json.loads(report.read_text())["steps"] if report.is_file() else []
    return result, {step["what"]: step for step in steps}


class Turning:
    """Lets the bench's wheels turn in real time."""

    def __init__(self, stand):
        self.body, self.last = stand.body, None
        whole = stand.device.tick

        def tick(now_s):
            if self.last is not None:
                self.body.tick(now_s - self.last)
            self.last = now_s
            return whole(now_s)

        stand.device.tick = tick


def test_a_whole_rover_is_well(stand, tmp_path):
    Turning(stand)
    result, steps = checked(stand, tmp_path, "--wheels-free")
    assert result.exit_code == 0, result.output
    turned = [s for s in steps.values() if s["part"] == "motors"]
    assert len(turned) == 4
    assert all(s["figures"]["forward_radps"] == pytest.approx(0.8, abs=0.2) for s in turned)
    assert steps["a pair of pictures, exposed, not frozen"]["verdict"] == "not fitted"
    assert stand.body.on_latch


def test_a_reversed_motor_is_named_with_its_remedy(stand, tmp_path):
    Turning(stand)
    stand.body.reversed = {1}
    result, steps = checked(stand, tmp_path, "--wheels-free")
    assert result.exit_code == 1
    bad = [s for s in steps.values() if s["verdict"] == "failed"]
    assert len(bad) == 1
    assert "motor_directions" in bad[0]["remedy"]


def test_nothing_moves_unasked(stand, tmp_path):
    before = stand.body.angles.copy()
    result, steps = checked(stand, tmp_path)
    assert result.exit_code == 0
    assert (stand.body.angles == before).all()
    assert [s["verdict"] for s in steps.values() if s["part"] == "motors"] == ["skipped"] * 4


def test_a_missing_part_is_missing(stand, tmp_path):
    stand.bus.gone.add(stand.config.imu_address)
    result, steps = checked(stand, tmp_path)
    assert result.exit_code == 1
    assert steps["gravity, noise and bias at rest"]["verdict"] == "missing"


def test_a_thermometer_without_a_file_is_refused(tmp_path):
    config = tmp_path / "rover.yaml"
    config.write_text("hardware: {ros__parameters: {temperatures: electronics}}")
    result = RUN.invoke(app, ["check", "--config", str(config)])
    assert result.exit_code == 2
    assert "'electronics' is not of the form part=file" in result.output


def test_a_wrong_field_is_named(tmp_path):
    config = tmp_path / "rover.yaml"
    config.write_text("hardware: {ros__parameters: {motors: steam}}")
    result = RUN.invoke(app, ["check", "--config", str(config)])
    assert result.exit_code == 2
    assert "motors: 'steam' is not one of framed, roboclaw, none" in result.output
