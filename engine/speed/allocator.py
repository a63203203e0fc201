"""Memory that a step frees stays with the process, for the next step to use."""

import ctypes
from functools import cache

# names and numbers of glibc's malloc.h
M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4
LARGEST = 2**31 - 1


@cache
def keep_freed_memory() -> bool:
    """Makes glibc keep large blocks that are freed, instead of giving them back to the system at once.

    The activations of a step on a CPU are such blocks. By default every step gets them anew from the system, page by
    page, each cleared before it is used: a tenth of a convolutional network's training time, and more the faster the
    processor multiplies. The process then stays at least as large as it has been at its peak.

    Returns:
        Whether it could be done; other C libraries do without.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # macOS, musl; Windows
        return False
    return bool(mallopt(M_MMAP_MAX, 0) and mallopt(M_TRIM_THRESHOLD, LARGEST))
