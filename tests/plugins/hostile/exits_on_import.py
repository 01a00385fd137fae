"""Ends its process while it is imported."""

import os
import sys

print("going away now", file=sys.stderr)  # noqa: T201
sys.stderr.flush()
os._exit(7)
