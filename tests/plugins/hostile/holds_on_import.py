"""Never comes to the end of its import, and lets no other thread run either."""

import os
import re
from pathlib import Path

_written = Path("being written")
_written.write_text(str(os.getpid()))
_written.rename("holding")
re.match(r"(a+)+$", "a" * 60 + "!")
