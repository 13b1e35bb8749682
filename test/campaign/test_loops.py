# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Loops of the localization study: where they go, and scores of errors that are known."""

import numpy as np
import pytest

from tenacious_rover.campaign import loop_scoring, loop_study
from tenacious_rover.campaign.error import CampaignError
from tenacious_rover.campaign.loop_crew import PNP, WHEELS, Alarm
from tenacious_rover.campaign.loops import Loop
from tenacious_rover.rover import frames


def test_names_of_loops_lead_back():
    for loop in loop_study.loops(3, 2, 100.0, "400x300"):
        assert Loop.parsed(loop.id) == loop
    with pytest.raises(CampaignError, match="mare"):
        Loop.parsed("mud-0-100m-400x300-1hz-all")


def test_soils_grow_evenly_and_costly_peers_run_once_a_soil():
    found = loop_study.loops(0, 3, 100.0, "400x300")
    assert [loop.soil for loop in found[:4]] == ["mare", "dense", "loose", "mare"]
    assert [loop.thorough for loop in found] == [True] * 3 + [False] * 6
    assert [loop.rate_hz for loop in found[:2]] == [2.0, 1.0]


@pytest.mark.parametrize("seed", range(4))
def test_a_loop_closes_around_the_lander(seed):
    way = Loop("mare", seed, 100.0, "400x300", 1.0, False).way()
    assert np.linalg.norm(np.diff(way, axis=0), axis=1).sum() == pytest.approx(100.0, abs=0.3)
    assert np.linalg.norm(way[-1] - way[0]) < 0.2
    assert np.linalg.norm(way, axis=1).min() > 6.0
    assert np.linalg.norm(way, axis=1).max() < 27.0


def straight(scale=1.0, turn=0.0, count=401):
    """Along x at 0.1 m/s for 40 m, twice a second or so; `turn` is a constant wrong heading."""
    poses = np.array([frames.planar(0.1 * scale * k, 0.0, turn) for k in range(count)])
    return np.arange(count, dtype=float), poses


def test_drift_of_a_scale_error_is_that_scale():
    times, truth = straight()
    found = loop_scoring.judge(times, truth, straight(1.01)[1], 40.0, in_map=True)
    assert found["drift_pct"] == pytest.approx(1.0, abs=0.01)
    assert found["end_pct"] == pytest.approx(1.0, abs=0.01)
    assert found["rpe_pct"] == pytest.approx(1.0, abs=0.02)
    assert found["heading_worst_deg"] == pytest.approx(0.0, abs=1e-9)


def test_headings_count_in_map_and_peers_are_aligned():
    times, truth = straight()
    wrong = straight(turn=np.radians(2.0))[1]
    assert loop_scoring.judge(times, truth, wrong, 40.0, True)["heading_deg"] == pytest.approx(2.0)
    off = frames.planar(3.0, -1.0, 0.4) @ truth
    assert loop_scoring.judge(times, truth, off, 40.0)["drift_pct"] == pytest.approx(0.0, abs=1e-6)


def test_honesty_is_one_for_errors_as_large_as_stated():
    rng = np.random.default_rng(0)
    sigma = np.array([0.1, 0.05, 0.02, 0.01, 0.01, 0.03])
    times, truth = straight(count=60 * 400)
    poses = truth.copy()
    poses[:, :3, 3] += sigma[:3] * rng.standard_normal((len(times), 3))
    for k in range(0, len(times), 60):
        poses[k, :3, :3] = frames.planar(0, 0, sigma[5] * rng.standard_normal())[:3, :3]
    covariance = np.broadcast_to(np.diag(sigma**2), (len(times), 6, 6))
    position, heading, count = loop_scoring.honesty(times, truth, poses, covariance)
    assert count > 390
    assert position == pytest.approx(1.0, abs=0.15)
    assert heading == pytest.approx(1.0, abs=0.25)


def record(case, drift, delay=0.5, alarms=()):
    figures = dict.fromkeys(
        ("drift_pct", "end_pct", "rpe_pct", "heading_deg", "heading_worst_deg"), drift
    )
    return {
        "case": case,
        "reached": True,
        "path_m": 99.0,
        "ours": figures,
        "no_sun": figures,
        "peers": {PNP: figures, WHEELS: figures},
        "alarms": list(alarms),
        "traps": [{"kind": "dig in", "delay_s": delay, "before": False, "moved": False}],
        "frame_ms": [10.0, 20.0],
        "frames": 1000,
        "fixes_used": 1,
        "nees_position": 1.0,
        "nees_heading": 1.0,
        "nees_samples": 10,
        "cpu_s": {"whole": 300.0},
    }


def test_sums_count_false_alarms_and_traps_that_were_missed(tmp_path):
    alarm = {"time_s": 5.0, "reason": "picture", "moving": 0.9, "false": True}
    names = [loop.id for loop in loop_study.loops(0, 1, 100.0, "400x300")]
    records = [record(names[0], 0.2), record(names[1], 0.4, None, [alarm])]
    records.append({**record(names[2], 9.0), "path_m": 5.0})
    records.append({"case": "dense-1", "error": "ValueError: x"})
    kept, wrong = loop_study.sorted_out(records)
    assert [r["case"] for r in kept] == names[:2]
    assert any("only 5.0 m" in line for line in wrong)
    assert any("false alarm" in line for line in wrong)
    assert any("not called stuck" in line for line in wrong)
    found = loop_scoring.summed(kept)
    assert found["drift_pct"] == pytest.approx(0.3)
    assert found["false_alarms_per_km"] == pytest.approx(1e3 / 198.0)
    assert found["stuck_delay_s"] == np.inf
    assert loop_scoring.compared(kept)[PNP]["loops"] == 2
    loop_study.rows(kept, tmp_path / "loops.csv")
    assert (tmp_path / "loops.csv").read_text().count("\n") == 3
    assert "0.20" in loop_study.table(kept)


def test_an_alarm_of_a_rover_that_stands_is_none():
    assert not Alarm(1.0, "", 0.1).false
    assert not Alarm(1.0, "", -0.8).false
    assert Alarm(1.0, "", 0.6).false
