# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Two runs on one machine get two ROS domains."""

import pytest

from tenacious_rover.cli import domain


@pytest.fixture
def locks(tmp_path, monkeypatch):
    monkeypatch.setattr(domain.tempfile, "gettempdir", lambda: str(tmp_path))
    monkeypatch.delenv("ROS_DOMAIN_ID", raising=False)


def test_runs_take_free_domains_and_give_them_back(locks, monkeypatch):
    first, held = domain.claim()
    monkeypatch.delenv("ROS_DOMAIN_ID")
    second, other = domain.claim()
    assert (first, second) == (0, 1)
    held.close()
    monkeypatch.delenv("ROS_DOMAIN_ID")
    third, again = domain.claim()
    assert third == 0
    other.close()
    again.close()


def test_a_domain_that_is_asked_for_and_taken_is_refused(locks, monkeypatch):
    monkeypatch.setenv("ROS_DOMAIN_ID", "7")
    number, held = domain.claim()
    assert number == 7
    with pytest.raises(domain.DomainError, match="ROS_DOMAIN_ID=7"):
        domain.claim()
    held.close()
