"""Freed memory kept by the process that trains.

Every pass frees what it kept for backward and takes as much again. glibc hands it back to the system in between, so
that each pass pays for fresh, zeroed pages.
"""

import ctypes
import sys
from typing import Final

# Of malloc.h. Blocks up to 32 MiB, the most that glibc allows here, come from memory that is kept.
M_TRIM_THRESHOLD: Final = -1
M_MMAP_THRESHOLD: Final = -3
KEPT: Final = 2**31 - 1
LARGEST: Final = 32 * 2**20


def keep_freed_memory() -> bool:
    """Let this process keep what it frees, until it ends; False where the C library has no such switch."""
    if not sys.platform.startswith("linux"):
        return False
    switch = getattr(ctypes.CDLL(None), "mallopt", None)
    return switch is not None and bool(switch(M_MMAP_THRESHOLD, LARGEST)) and bool(switch(M_TRIM_THRESHOLD, KEPT))
