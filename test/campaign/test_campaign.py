# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Cases, statistics, store and pool, scorer, and the oracle's way."""

import json
import math
from types import SimpleNamespace

import numpy as np
import pytest

from tenacious_rover.campaign import nav_study, statistics
from tenacious_rover.campaign.cases import DRIVERS, Case, goal_of, world_of
from tenacious_rover.campaign.error import CampaignError
from tenacious_rover.campaign.oracle import best_way, passable, true_terrain
from tenacious_rover.campaign.pool import Store, run_all
from tenacious_rover.campaign.scoring import Scorer
from tenacious_rover.navigation.zones import Zones
from tenacious_rover.perception.config import ClearanceConfig
from tenacious_rover.rover import frames
from tenacious_rover.rover.description import load_rover
from tenacious_rover.simulator.build import build_world


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_case_is_its_name(driver):
    for case in (Case(0.0125, 5.0, 1003, driver), Case(0.2, 0.0, 7, driver, 6.0)):
        assert Case.parsed(case.id) == case


@pytest.mark.parametrize("text", ["", "k1", "k0.1-s0-x-tenacious", "k0.1-s0-1-nobody"])
def test_what_is_no_case_is_refused_in_words(text):
    with pytest.raises(CampaignError, match="case"):
        Case.parsed(text)


def test_start_and_goal_are_as_far_apart_as_said_and_clear_of_the_lander():
    for seed in range(40):
        case = Case(0.05, 0.0, seed)
        spec = world_of(case)
        start, goal = np.array(spec.start[:2]), np.array(goal_of(case))
        assert np.hypot(*(goal - start)) == pytest.approx(20.0, abs=2e-3)
        assert min(np.abs(start).max(), np.abs(goal).max()) > 3.0
        assert max(np.abs(start).max(), np.abs(goal).max()) < spec.size_m / 2.0


def test_drivers_of_a_seed_share_the_world():
    worlds = {world_of(Case(0.05, 5.0, 3, driver)).model_dump_json() for driver in DRIVERS}
    assert len(worlds) == 1


def test_wilson_against_published_values():
    # Newcombe (1998), table I, Wilson's method without continuity correction.
    assert statistics.share(81, 263) == pytest.approx((0.308, 0.2553, 0.3662), abs=5e-4)
    assert statistics.share(0, 20)[1:] == pytest.approx((0.0, 0.1611), abs=5e-4)
    assert math.isnan(statistics.share(0, 0)[0])


def test_mean_leaves_out_what_is_not_known():
    value, low, high = statistics.mean([1.0, 2.0, 3.0, math.nan])
    assert value == 2.0
    assert low < 2.0 < high
    assert math.isnan(statistics.mean([])[0])


def squared(case):
    if case == "bad":
        raise ValueError("no")
    return {"case": case, "value": int(case) ** 2}


def test_study_goes_on_where_it_was_stopped(tmp_path):
    store = Store(tmp_path / "s.jsonl", "a")
    first = run_all(["1", "2", "bad"], squared, store, 1, "t")
    assert first["2"]["value"] == 4
    assert "ValueError: no" in first["bad"]["error"]
    with store.path.open("a") as file:
        file.write('{"case": "3", "val')
    asked = []

    def work(case):
        asked.append(case)
        return squared(case)

    again = run_all(["1", "2", "3", "bad"], work, store, 1, "t")
    assert asked == ["3", "bad"]
    assert {case: again[case].get("value") for case in "123"} == {"1": 1, "2": 4, "3": 9}
    assert Store(store.path, "b").read() == {}
    assert set(store.read()) == {"1", "2", "3", "bad"}


def test_processes_give_the_same(tmp_path):
    store = Store(tmp_path / "s.jsonl", "a")
    found = run_all(["1", "2", "3"], squared, store, 2, "t")
    assert [found[c]["value"] for c in "123"] == [1, 4, 9]


def truth(time_s=0.0, x=0.0, tilt=0.0, hits=None):
    pose = frames.from_rpy((x, 0.0, 0.0), (tilt, 0.0, 0.0))
    return SimpleNamespace(
        time_s=time_s,
        map_T_base=pose,
        xy=pose[:2, 3],
        tilt_rad=abs(tilt),
        slip=np.zeros(4),
        hits=hits or {},
    )


def scored(*moments, asked=(0.05, 0.0)):
    scorer = Scorer((5.0, 0.0), 0.35, 200.0)
    for moment in moments:
        scorer.observe(moment, asked)
    return scorer.verdict(moments[-1])


def test_success_and_every_reason_against_it():
    there = scored(truth(0.0), truth(100.0, 4.9))
    assert there["success"]
    assert there["driven_m"] == pytest.approx(4.9)
    for moment, words in (
        (truth(100.0, 4.6), "from the goal"),
        (truth(100.0, 5.0, tilt=0.4), "tilted"),
        (truth(300.0, 5.0), "over the time"),
        (truth(100.0, 5.0, hits={("chassis", "rock"): 3.0}), "touched: chassis on rock"),
        (truth(100.0, 5.0, hits={("chassis", "lander"): 3.0}), "lander"),
    ):
        against = scored(truth(0.0), moment)["against"]
        assert len(against) == 1
        assert words in against[0]
    assert scored(truth(0.0), truth(100.0, 5.0, hits={("chassis", "ground"): 9.0}))["success"]


def test_standing_for_a_minute_while_asked_to_move_is_stuck():
    moments = [truth(float(t), min(0.05 * t, 1.0)) for t in range(100)]
    assert scored(*moments, truth(150.0, 5.0))["against"] == ["stuck for 60 s"]
    assert scored(*moments, truth(150.0, 5.0), asked=(0.0, 0.0))["success"]


@pytest.fixture(scope="module")
def small():
    case = Case(0.05, 0.0, 11, "oracle", 4.0)
    return case, build_world(world_of(case)), load_rover("tenacious")


def test_true_terrain_holds_ground_rocks_and_lander(small):
    _, world, _ = small
    terrain = true_terrain(world)
    largest = int(world.rocks.diameter_m.argmax())
    x, y, z = world.rocks.center[largest]
    seen = float(terrain.at("elevation", np.array([[x, y]]))[0])
    top = z + float(
        (np.abs(world.rocks.rotation[largest, 2]) * world.rocks.semi_axes[largest]).max()
    )
    assert world.height(x, y) < seen
    assert seen == pytest.approx(top, abs=0.1)
    block = max(world.lander, key=lambda b: b.size.prod())
    middle = block.map_T_block[:2, 3]
    assert float(terrain.at("elevation", middle[None])[0]) > world.height(*middle) + 0.5


def test_oracle_goes_around_the_lander(small):
    _, world, rover = small
    start, goal = np.array([-5.0, 0.2]), np.array([5.0, 0.2])
    way = best_way(world, rover, Zones(), start, goal)
    assert way.exists
    assert way.length_m > 10.2
    free, origin = passable(world, true_terrain(world), rover, Zones(), ClearanceConfig())
    fine = np.concatenate(
        [np.linspace(a, b, 30) for a, b in zip(way.points[:-1], way.points[1:], strict=True)]
    )
    cells = ((fine[5:-5] - origin) / 0.1).astype(int)
    assert free[cells[:, 1], cells[:, 0]].mean() > 0.95


def record(case, success=True, driven=22.0, **more):
    verdict = {"success": success, "driven_m": driven, "against": [] if success else ["why"]}
    verdict["lander_touched"] = False
    cpu = {"simulator": 1.0, "localization": 1.0, "perception": 2.0, "navigation": 2.0}
    return {
        "case": case,
        "verdict": verdict,
        "oracle_m": 20.0,
        "straight_m": 20.0,
        "cpu_s": cpu,
        "speed_share": 0.9,
        "pose_error_m": 0.1,
        "recoveries": 0,
        "ended": "NONE",
        "reason": "",
        **more,
    }


def test_sums_of_a_study():
    records = [record(f"k0.05-s0-{seed}-tenacious", seed < 1019) for seed in range(1000, 1020)]
    records.append({"case": "k0.05-s0-1020-tenacious", "error": "KeyError: x"})
    found = nav_study.figures(records, "tenacious")
    assert found["success_k5_level"] == 0.95
    assert found["path_ratio"] == pytest.approx(1.1)
    assert found["cpu_s_per_m"] == pytest.approx(80.0 / 440.0)
    lines = nav_study.failures(records)
    assert len(lines) == 2
    assert "crashed: KeyError" in lines[1]
    json.dumps(found)


def test_cells_with_targets_come_first_and_seeds_are_held_out():
    listed = nav_study.cases(2)
    assert all(case.seed >= 1000 for case in listed)
    assert {(c.k, c.slope_deg) for c in listed[:8]} >= {(0.05, 0.0), (0.10, 0.0), (0.0021, 0.0)}
    assert len({c.id for c in listed}) == len(listed) == 48
    assert [c.seed for c in listed[:10]] == [1000] * 8 + [1001] * 2


def test_the_targets_have_their_drives_before_anything_else_is_driven():
    first = [(c.k, c.slope_deg) for c in nav_study.cases(50)[:250]]
    assert first.count((0.05, 0.0)) == first.count((0.10, 0.0)) == 50
    assert sum(c in nav_study.POOLED for c in first) == 150
    half = [(c.k, c.slope_deg) for c in nav_study.cases(50)[:130]]
    assert half.count((0.05, 0.0)) == half.count((0.10, 0.0)) == 26


@pytest.mark.mission
def test_a_drive_of_three_metres_with_real_pictures():
    from tenacious_rover.campaign.drive import Drive, DriveConfig

    small_camera = "tenacious camera_width:=320 camera_height:=240"
    drive = Drive(Case(0.0021, 0.0, 4, "tenacious", 4.0), DriveConfig(description=small_camera))
    record = drive.run()
    assert record.success, (record.verdict["against"], record.reason, record.events)
    assert record.verdict["driven_m"] < 8.0
    assert record.cpu_s["perception"] > 0.0
