# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Tests here share `yard.py`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
