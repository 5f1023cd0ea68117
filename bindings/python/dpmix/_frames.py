# SPDX-License-Identifier: BSD-3-Clause
"""Tables of other libraries: pandas, polars, pyarrow, DuckDB and whatever else speaks Arrow's PyCapsule protocol.

None of them is needed: the protocol is spoken through ctypes.
"""
from __future__ import annotations

import ctypes
from typing import Any, Callable, Dict, Iterator, Optional, Tuple

from ._library import library, make
from ._schema import Schema

_STREAM, _ARRAY, _SCHEMA = b"arrow_array_stream", b"arrow_array", b"arrow_schema"


class _ArrowStream(ctypes.Structure):
    """struct ArrowArrayStream, whose layout is frozen."""

    _fields_ = [("get_schema", ctypes.c_void_p), ("get_next", ctypes.c_void_p),
                ("get_last_error", ctypes.c_void_p), ("release", ctypes.c_void_p),
                ("private_data", ctypes.c_void_p)]


_RELEASE = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
_DESTRUCTOR = ctypes.PYFUNCTYPE(None, ctypes.c_void_p)
_new = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.c_char_p, _DESTRUCTOR)(
    ("PyCapsule_New", ctypes.pythonapi))
_pointer_of = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(
    ("PyCapsule_GetPointer", ctypes.pythonapi))
# The same for a capsule that is being destroyed, to which nobody may take a reference any more.
_pointer_of_dying = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_char_p)(
    ("PyCapsule_GetPointer", ctypes.pythonapi))
_alive: Dict[int, _ArrowStream] = {}  # the structs in capsules, by address


def _release(stream: _ArrowStream) -> None:
    if stream.release:
        _RELEASE(stream.release)(ctypes.addressof(stream))


def _release_unused(capsule: int) -> None:
    """What nobody consumed is released with the capsule, as the protocol demands."""
    stream = _alive.pop(_pointer_of_dying(capsule, _STREAM) or 0, None)
    if stream is not None:
        _release(stream)


_destroy = _DESTRUCTOR(_release_unused)
ctypes.pythonapi.Py_IncRef(ctypes.py_object(_destroy))  # capsules may outlive this module


class Records:
    """Synthetic records that are made when somebody asks for them, in Arrow's types.

    Whatever speaks Arrow's PyCapsule protocol takes it: pyarrow.table(records), polars.DataFrame(records),
    duckdb.sql("select * from records"). With a seed, each time the same records.
    """

    def __init__(self, fill: Callable[[int], None], schema: Schema, n: int) -> None:
        self._fill = fill
        self.schema = schema
        self.n = n

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        stream = _ArrowStream()
        address = ctypes.addressof(stream)
        self._fill(address)
        _alive[address] = stream
        try:
            return _new(address, _STREAM, _destroy)
        except BaseException:
            del _alive[address]
            _release(stream)
            raise

    def to_pyarrow(self) -> Any:
        """A pyarrow.Table."""
        import pyarrow  # type: ignore[import-not-found, import-untyped, unused-ignore]
        return pyarrow.table(self)

    def to_pandas(self) -> Any:
        """A pandas.DataFrame; it takes pyarrow."""
        return self.to_pyarrow().to_pandas()

    def to_polars(self) -> Any:
        """A polars.DataFrame."""
        import polars  # type: ignore[import-not-found, unused-ignore]
        return polars.DataFrame(self)

    def __repr__(self) -> str:
        return f"<dpmix.Records: {self.n} of {', '.join(self.schema.names[:8])}>"


def _capsules(frame: Any) -> Iterator[Tuple[bytes, Any]]:
    """The capsules of a frame: a stream, or an array and its type."""
    if hasattr(frame, "__arrow_c_stream__"):
        yield _STREAM, frame.__arrow_c_stream__()
    elif hasattr(frame, "__arrow_c_array__"):
        types, values = frame.__arrow_c_array__()
        yield _ARRAY, values
        yield _SCHEMA, types
    elif type(frame).__module__.split(".")[0] == "pandas":  # before version 2.2
        import pyarrow
        yield _STREAM, pyarrow.Table.from_pandas(frame).__arrow_c_stream__()
    else:
        raise TypeError(f"frame: {type(frame).__name__} does not speak Arrow's PyCapsule protocol")


def dataset_pointer(frame: Any, schema: Schema) -> Optional[int]:
    """A dataset from a frame. The library releases what the capsules hold."""
    capsules = list(_capsules(frame))
    pointers = [_pointer_of(capsule, name) for name, capsule in capsules]
    constructor = "dpmix_dataset_new_stream" if len(pointers) == 1 else "dpmix_dataset_new_arrow"
    return make(constructor, schema, *pointers)


def like(frame: Any, records: Records) -> Any:
    """The records as a frame of the same library; as they are where that library is not known."""
    origin = type(frame).__module__.split(".")[0]
    return {"pandas": records.to_pandas, "polars": records.to_polars,
            "pyarrow": records.to_pyarrow}.get(origin, lambda: records)()


def stream_of(noun: str, model: Any, schema: Schema, n: int, seed: Any) -> Records:
    """The records of a model, decoded by the schema."""
    def fill(address: int) -> None:
        getattr(library, f"dpmix_{noun}_stream")(model, address, schema, n, seed)
    return Records(fill, schema, n)
