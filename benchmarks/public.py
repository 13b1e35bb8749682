# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Localization's cores on KITTI, as the wheel of GTSAM ships it: `pip install gtsam` first.

Stereo tracks of the first 111 m of sequence 00 (135 pictures) and of another drive (26): motion
from picture to picture, beside OpenCV's RANSAC PnP on the same tracks. Both are compared with
GTSAM's bundle adjustment over all tracks, and with the camera poses that come with the tracks
(`shipped`; whence is not said). Neither is GPS truth, which does not come with them. 3.7 km of IMU
and GPS through the filter: what it expects before each fix is compared with the fix, beside going
on with constant velocity. `--quick` is the whole: it takes seconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tenacious_rover.campaign import public_data
from tenacious_rover.campaign.error import CampaignError

if TYPE_CHECKING:
    from tenacious_rover.campaign.study import Study

SEQUENCES = {"kitti00": "00", "kitti_short": "_large"}
PNP, CONSTANT = "OpenCV PnP", "constant velocity"


def measure(study: Study) -> dict[str, Any]:
    del study  # nothing of it is random
    try:
        folder = public_data.folder()
    except CampaignError as error:
        return {"figures": {}, "missing": [str(error)]}
    figures: dict[str, float] = {}
    peers: dict[str, dict[str, float]] = {PNP: {}, CONSTANT: {}}
    for name, file in SEQUENCES.items():
        tracks = public_data.tracks(folder, file)
        way = np.linalg.norm(np.diff(tracks.poses[:, :3, 3], axis=0), axis=1).sum()
        figures[f"{name}_m"], figures[f"{name}_pictures"] = float(way), len(tracks.seen)
        whole = public_data.batch(tracks, public_data.chained(tracks, public_data.ours))
        for solver, found in ((public_data.ours, figures), (public_data.pnp, peers[PNP])):
            chain = public_data.chained(tracks, solver)
            for to, poses in (("", whole), ("shipped_", tracks.poses)):
                apart = public_data.apart(chain, poses)
                found |= {f"{name}_{to}{key}": value for key, value in apart.items()}
        apart = public_data.apart(whole, tracks.poses)
        figures[f"{name}_batch_from_shipped_pct"] = apart["drift_pct"]
    drive = public_data.drive(folder)
    figures["kitti_gps_m"] = float(np.linalg.norm(np.diff(drive.gps[:, 1:3], axis=0), axis=1).sum())
    for every in (1, 5):
        expected, constant, honest = public_data.predicted(drive, every)
        for values, found in ((expected, figures), (constant, peers[CONSTANT])):
            found[f"ahead_{every}s_m"] = float(np.median(values))
            found[f"ahead_{every}s_p95_m"] = float(np.percentile(values, 95))
        figures[f"ahead_{every}s_nees"] = float(np.mean(honest))
    return {"figures": figures, "peers": peers, "seeds": []}
