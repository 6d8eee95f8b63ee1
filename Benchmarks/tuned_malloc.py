"""Import this first: the process starts anew with an allocator that keeps its memory, which malloc only reads at its start.

glibc gives large blocks back to the system after each use, so that PyTorch meets page faults in every step.
MALLOC=as-is in the environment leaves malloc as it is, to measure that.
"""

import os
import sys

SETTINGS = {"MALLOC_TRIM_THRESHOLD_": "-1", "MALLOC_MMAP_MAX_": "0", "MALLOC_TOP_PAD_": "268435456"}

if os.environ.get("MALLOC") != "as-is" and not SETTINGS.keys() <= os.environ.keys():
    os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | SETTINGS)
