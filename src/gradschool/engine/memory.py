"""Memory of a processor's training: what a step frees, the next one takes again."""

import contextlib
import ctypes

TRIM, MAP = -1, -3  # M_TRIM_THRESHOLD and M_MMAP_THRESHOLD of glibc's malloc.h
FREE = 2**31 - 1  # bytes that may lie free: the most that an int can ask for
SINGLE = 2**25  # bytes from which a block is mapped by itself: the most that glibc takes


def keep_freed() -> bool:
    """Ask glibc to keep freed memory instead of handing it back to the system after each step.

    Activations are freed on the way back and wanted again one step later; every page that was handed back
    costs a page fault. Where there is no glibc, nothing happens.

    Returns:
        Whether it was asked.
    """
    with contextlib.suppress(OSError, AttributeError, TypeError):
        mallopt = ctypes.CDLL(None).mallopt
        return bool(mallopt(MAP, SINGLE)) and bool(mallopt(TRIM, FREE))
    return False
