# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""One mission of the study of science in this process, and the sums over many."""

import pytest

from tenacious_rover.campaign import science_missions, science_study
from tenacious_rover.sampling.log import SampleLog

RECORD = {
    "case": "mission-1",
    "fault": None,
    "ended": "succeeded",
    "outcomes": ["drive: succeeded"],
    "sampled": True,
    "standing": True,
    "photographed": True,
    "inside": True,
    "place_error_m": 0.02,
    "true_ml": 20.0,
    "seen_ml": 21.0,
    "sigma_ml": 2.0,
    "attempts": 1,
    "cpu_s": 30.0,
}


@pytest.mark.mission
@pytest.mark.timeout(600)
def test_a_mission_samples_and_sets_the_house_down(tmp_path):
    found = science_missions.flown(3, tmp_path / "run")
    assert found["ended"] == "succeeded", found["events"]
    assert found["sampled"]
    assert found["carried_ml"] == pytest.approx(found["true_ml"], rel=0.01)
    assert abs(found["seen_ml"] - found["true_ml"]) < 4.0 * found["sigma_ml"]
    assert found["place_error_m"] < 0.15
    assert found["photographed"]
    log = SampleLog(tmp_path / "run" / "samples" / "samples.sqlite", read_only=True)
    assert not log.verify(images=tmp_path / "run").problems


def test_figures_count_failures():
    bad = RECORD | {"case": "mission-2", "sampled": False, "photographed": False, "inside": None}
    failed = bad | {"outcomes": ["collect sample: failed: no patch"]}
    figures = science_study.figures([RECORD, failed])
    assert figures["missions"] == 2
    assert figures["sample_success"] == 0.5
    assert figures["place_inside_95"] == 1.0
    assert figures["volume_error_median"] == pytest.approx(0.05)
    assert len(science_study.failures([RECORD, failed])) == 1


def test_held_out_missions_come_after_the_light():
    due = science_study.cases(2, 3, 1000)
    assert due[0] == "light-mare_calm-1000"
    assert due[-1] == "mission-1002"
