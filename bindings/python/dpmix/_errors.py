# SPDX-License-Identifier: BSD-3-Clause
"""Exceptions, one class per status of dpmix/status.h."""
from __future__ import annotations

from typing import Dict, Type

from ._table import CONSTANTS


class Error(Exception):
    """A call of the library failed. `status` is its DPMIX_ERR_* number."""

    status = 0

    @property
    def meaning(self) -> str:
        """What the status means, whatever failed: "out of memory"."""
        from ._library import library
        return str(library.dpmix_strerror(self.status).decode())


class ArgumentError(Error, ValueError):
    """An argument is missing or of the wrong kind."""


class RangeError(Error, ValueError):
    """A number or a size is out of its range."""


class StateError(Error, RuntimeError):
    """The call does not fit what the handle has done so far, or what another thread does with it."""


class OutOfMemoryError(Error, MemoryError):
    """Out of memory."""


class BudgetError(Error):
    """The privacy budget does not cover the call; nothing was read."""


class CancelledError(Error):
    """The progress callback asked to stop; what was spent stays spent."""


class FileError(Error, OSError):
    """A file could not be read or written."""


class FormatError(Error, ValueError):
    """A file is truncated, corrupted, or of another kind."""


class UnsupportedError(Error, NotImplementedError):
    """The combination asked for does not exist."""


class InternalError(Error, RuntimeError):
    """A fault of the library or the system: no random bits, no thread."""


BY_NAME: Dict[str, Type[Error]] = {
    "ARG": ArgumentError,
    "RANGE": RangeError,
    "STATE": StateError,
    "NOMEM": OutOfMemoryError,
    "BUDGET": BudgetError,
    "CANCELLED": CancelledError,
    "IO": FileError,
    "FORMAT": FormatError,
    "UNSUPPORTED": UnsupportedError,
    "INTERNAL": InternalError,
}
_BY_STATUS: Dict[int, Type[Error]] = {}
for _name, _class in BY_NAME.items():
    _class.status = CONSTANTS["DPMIX_ERR_" + _name]
    _BY_STATUS[_class.status] = _class


def error_of(status: int, message: str) -> Error:
    """The exception for a status; one that this package does not know yet is a plain Error."""
    error = _BY_STATUS.get(status, Error)(message)
    error.status = status
    return error
