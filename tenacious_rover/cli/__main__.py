# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""`python -m tenacious_rover.cli` is `tenacious`."""

from tenacious_rover.cli import main

if __name__ == "__main__":
    main()
