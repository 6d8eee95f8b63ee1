"""Import this before modules of Tests/Reference, whose folder it adds to where Python looks."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent / "Tests" / "Reference"))
