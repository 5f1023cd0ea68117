# SPDX-License-Identifier: BSD-3-Clause
"""Arrow's C structs and the capsules in which Python programs hand them on, by ctypes."""
from __future__ import annotations

import ctypes
import re
from typing import Any, Callable, Dict, List, Tuple, Union

from ._errors import Error, FormatError

STREAM, ARRAY, SCHEMA = b"arrow_array_stream", b"arrow_array", b"arrow_schema"


class ArrowSchema(ctypes.Structure):
    """struct ArrowSchema, whose layout is frozen."""

    _fields_ = [("format", ctypes.c_void_p), ("name", ctypes.c_void_p), ("metadata", ctypes.c_void_p),
                ("flags", ctypes.c_int64), ("n_children", ctypes.c_int64), ("children", ctypes.c_void_p),
                ("dictionary", ctypes.c_void_p), ("release", ctypes.c_void_p),
                ("private_data", ctypes.c_void_p)]


class ArrowStream(ctypes.Structure):
    """struct ArrowArrayStream, whose layout is frozen."""

    _fields_ = [("get_schema", ctypes.c_void_p), ("get_next", ctypes.c_void_p),
                ("get_last_error", ctypes.c_void_p), ("release", ctypes.c_void_p),
                ("private_data", ctypes.c_void_p)]


Struct = Union[ArrowSchema, ArrowStream]

_RELEASE = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
_GET_SCHEMA = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
_DESTRUCTOR = ctypes.PYFUNCTYPE(None, ctypes.c_void_p)
_new = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.c_char_p, _DESTRUCTOR)(
    ("PyCapsule_New", ctypes.pythonapi))
_pointer_of = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(
    ("PyCapsule_GetPointer", ctypes.pythonapi))
# The same for a capsule that is being destroyed, to which nobody may take a reference any more.
_pointer_of_dying = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_char_p)(
    ("PyCapsule_GetPointer", ctypes.pythonapi))
alive: Dict[int, Struct] = {}  # the structs in capsules, by address


def release(struct: Struct) -> None:
    """Gives back what a struct holds, unless it was moved on."""
    if struct.release:
        _RELEASE(struct.release)(ctypes.addressof(struct))


def _destructor(name: bytes) -> Any:
    def destroy(capsule: int) -> None:
        """What nobody consumed is released with the capsule, as the protocol demands."""
        struct = alive.pop(_pointer_of_dying(capsule, name) or 0, None)
        if struct is not None:
            release(struct)
    made = _DESTRUCTOR(destroy)
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(made))  # capsules may outlive this module
    return made


_destructors = {name: _destructor(name) for name in (STREAM, SCHEMA)}


def capsule_of(struct: Struct, fill: Callable[[int], Any]) -> Any:
    """A capsule with a struct that `fill` fills, given its address."""
    name = STREAM if isinstance(struct, ArrowStream) else SCHEMA
    address = ctypes.addressof(struct)
    fill(address)
    alive[address] = struct
    try:
        return _new(address, name, _destructors[name])
    except BaseException:
        del alive[address]
        release(struct)
        raise


def pointer_of(capsule: Any, name: bytes) -> int:
    """The address of the struct in a capsule."""
    return int(_pointer_of(capsule, name))


def with_type_of(stream: int, use: Callable[[int], Any]) -> Any:
    """What `use` makes of the type of a stream's records, given its address."""
    types = ArrowSchema()
    failed = _GET_SCHEMA(ArrowStream.from_address(stream).get_schema)(stream, ctypes.addressof(types))
    if failed:
        raise OSError(failed, "the frame's stream has no type")
    try:
        return use(ctypes.addressof(types))
    finally:
        release(types)


def _held(frame: Any) -> List[Tuple[bytes, Any]]:
    origin = type(frame).__module__.split(".")[0]
    if hasattr(frame, "__arrow_c_stream__"):
        return [(STREAM, frame.__arrow_c_stream__())]
    if hasattr(frame, "__arrow_c_array__"):
        types, values = frame.__arrow_c_array__()
        return [(ARRAY, values), (SCHEMA, types)]
    if origin == "polars" and hasattr(frame, "collect"):  # a lazy frame
        return [(STREAM, frame.collect().__arrow_c_stream__())]
    if origin in ("pandas", "duckdb", "_duckdb"):  # pandas before 2.2, DuckDB before 1.2
        import pyarrow  # type: ignore[import-not-found, import-untyped, unused-ignore]
        table = pyarrow.Table.from_pandas(frame) if origin == "pandas" else frame.arrow()
        return [(STREAM, table.__arrow_c_stream__())]
    return []


def capsules(frame: Any) -> List[Tuple[bytes, Any]]:
    """The capsules of a frame: a stream, or an array and its type."""
    try:
        held = _held(frame)
    except (Error, ImportError, MemoryError):
        raise
    except Exception as error:  # pylint: disable=broad-exception-caught
        # Of cells of several types, most often, and with one of them in its text.
        # The column's name is in an argument of its own, behind that: a cell could look like it.
        told = str(error.args[-1]) if len(error.args) > 1 else ""
        column = re.fullmatch(r"Conversion failed for column (.*) with type \S+", told)
        where = f"column {column[1]!r}" if column else "it"
        raise FormatError(f"frame: {where} cannot become an Arrow column, which has one type "
                          f"({type(error).__name__})") from None
    if not held:
        raise TypeError(f"frame: {type(frame).__name__} does not speak Arrow's PyCapsule protocol")
    return held
