# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Every test process talks in a ROS domain of its own, on this machine only."""

from __future__ import annotations

import os
import zlib

WORKER = os.environ.get("PYTEST_XDIST_WORKER", "main")
os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
os.environ.setdefault(
    "ROS_DOMAIN_ID", str(1 + zlib.crc32(f"{os.getpid()} {WORKER}".encode()) % 100)
)
os.environ.setdefault("NUMBA_NUM_THREADS", "2" if WORKER == "main" else "1")

try:
    from hypothesis import settings
except ImportError:  # a rover without the tools for tests
    pass
else:
    # No deadline per example: a busy machine is not a failure.
    settings.register_profile("rover", deadline=None)
    settings.load_profile("rover")
