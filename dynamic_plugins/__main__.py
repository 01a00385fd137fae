"""``python -m dynamic_plugins``: the same as the command ``dynamic-plugins``."""

import sys

from dynamic_plugins.cli import main

sys.exit(main())
