# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""What can be wrong with a campaign."""


class CampaignError(Exception):
    """A case or a store cannot be used; the message says which and why."""
