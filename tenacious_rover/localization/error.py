# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The one exception of this room."""

from __future__ import annotations


class LocalizationError(ValueError):
    """A site, a checkpoint, a landmark file or a calibration recording cannot be used."""
