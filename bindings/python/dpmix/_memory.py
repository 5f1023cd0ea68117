# SPDX-License-Identifier: BSD-3-Clause
"""Where private numbers may end up beside the memory of the process."""
from __future__ import annotations

from ._library import library
from ._table import CONSTANTS


def protect_memory(*, no_dump: bool = True, lock: bool = False) -> None:
    """Keeps the library's memory out of core dumps, and with `lock` out of the swap (dpmix/memory.h).

    For all that the library allocates from now on; call it first. Python's own objects, the caller's rows among
    them, are not the library's: data sets from IDX and NPY files are, and those with copy=True.
    """
    flags = [CONSTANTS["DPMIX_MEMORY_NO_DUMP"]] * no_dump + [CONSTANTS["DPMIX_MEMORY_LOCK"]] * lock
    library.dpmix_memory_protect(sum(flags))
