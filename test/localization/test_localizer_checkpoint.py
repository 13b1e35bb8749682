# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from tenacious_rover.localization import checkpoint
from tenacious_rover.localization import filter as eskf
from tenacious_rover.localization.config import LocalizationConfig
from tenacious_rover.localization.error import LocalizationError


def test_what_was_saved_comes_back(tmp_path):
    state = eskf.start(np.eye(4), LocalizationConfig(), 0.01, 3.0)
    state.x[0:3] = 1.0, 2.0, 3.0
    path = tmp_path / "deep" / "checkpoint.json"
    checkpoint.save(path, state)
    found = checkpoint.load(path)
    assert found.time_s == 3.0
    assert np.array_equal(found.x, state.x)
    assert np.array_equal(found.covariance, state.covariance)
    assert not list(path.parent.glob("*.new"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[1]",
        '{"format": 9, "time_s": 0, "x": [], "covariance": []}',
        '{"format": 1, "time_s": 0, "x": [1], "covariance": [[1]]}',
    ],
)
def test_damaged_checkpoints_are_refused(tmp_path, text):
    path = tmp_path / "checkpoint.json"
    path.write_text(text)
    with pytest.raises(LocalizationError, match="checkpoint"):
        checkpoint.load(path)


def test_no_checkpoint(tmp_path):
    with pytest.raises(LocalizationError, match="no checkpoint"):
        checkpoint.load(tmp_path / "none.json")


def test_resumed_is_less_sure():
    state = eskf.start(np.eye(4), LocalizationConfig(), 0.01, 3.0)
    found = checkpoint.resumed(state, 9.0, 0.1, 0.05)
    assert found.time_s == 9.0
    assert found.covariance[0, 0] == pytest.approx(state.covariance[0, 0] + 0.01)
    assert found.covariance[8, 8] == pytest.approx(state.covariance[8, 8] + 0.0025)
