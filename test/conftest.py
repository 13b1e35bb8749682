# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Every file of tests talks in a ROS domain of its own, on this machine only.

What one test leaves behind must not be heard by the next: a node that is not collected yet still
hands its last events to whoever comes.
"""

from __future__ import annotations

import itertools
import os
import sys
import zlib

import pytest

WORKER = os.environ.get("PYTEST_XDIST_WORKER", "main")
os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
ASKED_FOR = "ROS_DOMAIN_ID" in os.environ
DOMAINS = itertools.count(zlib.crc32(f"{os.getpid()} {WORKER}".encode()))
os.environ.setdefault("NUMBA_NUM_THREADS", "2" if WORKER == "main" else "1")

try:
    from hypothesis import settings
except ImportError:  # a rover without the tools for tests
    pass
else:
    # No deadline per example: a busy machine is not a failure.
    settings.register_profile("rover", deadline=None)
    settings.load_profile("rover")


@pytest.fixture(scope="module", autouse=True)
def domain():
    if not ASKED_FOR:
        os.environ["ROS_DOMAIN_ID"] = str(1 + next(DOMAINS) % 100)
    yield
    if "rclpy" in sys.modules:
        # A context that a failed test has left would fail the tests of the next file as well.
        sys.modules["rclpy"].try_shutdown()
