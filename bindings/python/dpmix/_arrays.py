# SPDX-License-Identifier: BSD-3-Clause
"""Arrays in and out. Anything with the buffer protocol (NumPy arrays, array.array, bytes, memoryview) goes in
without a copy where its layout is C's; NumPy is used where it is there, and nothing needs it."""
from __future__ import annotations

import array
import ctypes
import functools
import math
import operator
from typing import Any, List, NamedTuple, Optional, Sequence, Tuple

from ._library import Block, NUMBERS

FORMATS = {"uint8_t": "B", "float": "f", "double": "d", "int32_t": "i", "uint64_t": "Q", "int": "i"}
_DTYPES = {"uint8_t": "uint8", "float": "float32", "double": "float64", "int32_t": "int32",
           "uint64_t": "uint64", "int": "intc"}
_KINDS = {"B": "uint8_t", "?": "uint8_t", "f": "float", "d": "double"}


class Samples(NamedTuple):
    """Synthetic or encoded records, one a row, and their labels (None where there are none)."""

    rows: Any
    labels: Any


class _PyBuffer(ctypes.Structure):
    """Py_buffer, as CPython lays it out since 3.3."""

    _fields_ = [("buf", ctypes.c_void_p), ("obj", ctypes.py_object), ("len", ctypes.c_ssize_t),
                ("itemsize", ctypes.c_ssize_t), ("readonly", ctypes.c_int), ("ndim", ctypes.c_int),
                ("format", ctypes.c_char_p), ("shape", ctypes.c_void_p), ("strides", ctypes.c_void_p),
                ("suboffsets", ctypes.c_void_p), ("internal", ctypes.c_void_p)]


@functools.lru_cache(maxsize=None)
def numpy() -> Any:
    """The module NumPy, or None."""
    try:
        import numpy as module  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        return None
    return module


def _address(view: memoryview[Any]) -> int:
    """Where a contiguous view's memory is, read-only memory too, which ctypes' from_buffer() refuses."""
    raw = _PyBuffer()
    ctypes.pythonapi.PyObject_GetBuffer(ctypes.py_object(view), ctypes.byref(raw), 0)
    address = raw.buf or 0
    ctypes.pythonapi.PyBuffer_Release(ctypes.byref(raw))
    return address


def _block(view: memoryview[Any], kind: str) -> Block:
    return Block(_address(view), kind, view.nbytes // ctypes.sizeof(NUMBERS[kind]), view)


def _wanted(what: str, kind: str) -> str:
    wanted = "numbers" if kind in ("float", "double") else "whole numbers in the range of " + kind
    return f"{what}: a sequence of {wanted} is needed"


def _refuse_masked(values: Any, what: str) -> None:
    """The buffer below a masked array has what the mask hides."""
    module = numpy()
    if module is not None and module.ma.is_masked(values):
        raise TypeError(f"{what}: some are masked; missing numbers must be filled or dropped first")


def numbers(values: Any, kind: str, what: str) -> Block:
    """Numbers of one dimension as an array of that C type; a copy unless they are one already."""
    _refuse_masked(values, what)
    code = FORMATS[kind]
    view: Optional[memoryview[Any]]
    try:
        view = memoryview(values)
    except (TypeError, ValueError):
        view = None
    if view is not None and view.format == code and view.c_contiguous and view.ndim == 1:
        return _block(view, kind)
    module = numpy()
    taken = "biuf" if kind in ("float", "double") else "biu"  # NumPy's errors tell the values of other types
    if module is not None and isinstance(values, module.ndarray) and values.ndim == 1 and values.dtype.kind in taken:
        made = values.astype(_DTYPES[kind])
        if kind not in ("float", "double") and (made != values).any():
            raise TypeError(_wanted(what, kind))
        return _block(memoryview(made), kind)
    if hasattr(values, "tolist"):
        values = values.tolist()  # scalars become Python's, so that 1.5 is no integer
    if isinstance(values, (bytes, bytearray)):
        values = list(values)  # array.array takes them for the memory of its numbers
    try:
        return _block(memoryview(array.array(code, values)), kind)
    except (TypeError, OverflowError):
        raise TypeError(_wanted(what, kind)) from None


def sizes(values: Sequence[int]) -> Any:
    """An array of size_t."""
    return (ctypes.c_size_t * max(1, len(values)))(*values)


def _flat(values: Any, what: str) -> Tuple[List[float], Tuple[int, int]]:
    """A sequence of sequences of numbers, row by row."""
    rows = [list(row) for row in values]
    if any(len(row) != len(rows[0]) for row in rows):
        raise ValueError(f"{what}: the rows differ in length")
    return [number for row in rows for number in row], (len(rows), len(rows[0]) if rows else 0)


def _shaped(view: Any, code: str, shape: Tuple[int, ...]) -> memoryview[Any]:
    """Contiguous memory as an array of that shape; memoryview knows no shape without elements."""
    plain: memoryview[Any] = view.cast("B")
    return plain.cast(code, shape) if 0 not in shape else plain.cast(code)  # type: ignore[call-overload, no-any-return]


def _as_view(values: Any, kinds: Tuple[str, ...], what: str) -> memoryview[Any]:
    """A contiguous view of one of those formats; a copy where the values are something else."""
    _refuse_masked(values, what)
    view: Optional[memoryview[Any]]
    try:
        view = memoryview(values)
    except (TypeError, BufferError, ValueError):
        view = None
    if view is not None and _KINDS.get(view.format) in kinds:
        if view.c_contiguous:
            return view
        return _shaped(memoryview(view.tobytes()), view.format, view.shape or ())
    module = numpy()
    last = "double" if "double" in kinds else "float"
    if module is not None:
        try:
            made = module.asarray(values)
        except ValueError:  # which tells how many rows there are
            raise ValueError(f"{what}: the rows differ in length") from None
        if made.dtype.kind not in "biuf":
            raise TypeError(f"{what}: numbers are needed, not {made.dtype}")
        wide = made.dtype.itemsize > 4 or made.dtype.kind in "iu"
        dtype = "float64" if wide and "double" in kinds else "float32"
        return memoryview(module.require(made, dtype, ["C", "A"]))
    if view is not None:
        values = view.tolist()
    flat, shape = _flat(values, what)
    try:
        made = array.array(FORMATS[last], flat)
    except TypeError:
        raise TypeError(f"{what}: numbers are needed") from None
    return _shaped(memoryview(made), FORMATS[last], shape)


def rows(values: Any, kinds: Tuple[str, ...], what: str,
         columns: Optional[int] = None) -> Tuple[Block, int, int]:
    """A matrix: (array, number of rows, number of columns). All dimensions but the first are columns."""
    view = _as_view(values, kinds, what)
    block = _block(view, _KINDS[view.format])
    shape = view.shape or ()
    if columns is not None:
        if columns < 1 or block.count % columns:
            raise ValueError(f"{what}: the number of values is no multiple of columns")
        if len(shape) > 1 and math.prod(shape[1:]) != columns:
            raise ValueError(f"{what}: they are not of so many columns")
        return block, block.count // columns, columns
    if len(shape) < 2:
        raise ValueError(f"{what}: two dimensions are needed, or the argument columns")
    return block, shape[0], math.prod(shape[1:])


def room(shape: Tuple[int, ...], kind: str) -> Tuple[Any, Block]:
    """A new array for output, (array, its memory): NumPy's, or else a memoryview of that shape."""
    count = math.prod(shape)
    module = numpy()
    if module is not None:
        made = module.empty(shape, dtype=_DTYPES[kind])
        return made, Block(made.ctypes.data, kind, count, made)
    memory = bytearray(count * ctypes.sizeof(NUMBERS[kind]))
    view = memoryview(memory)
    block = Block(_address(view), kind, count, view)
    return _shaped(view, FORMATS[kind], shape), block


def count_of(n: Any) -> int:
    """A number of records."""
    try:
        count = operator.index(n)
    except TypeError:
        raise TypeError(f"n: a whole number is needed, not {type(n).__name__}") from None
    if count < 0:
        raise ValueError("n: it is negative")
    return count


def seed_of(seed: Optional[int]) -> Any:
    """A seed for C; None: fresh random bits."""
    if seed is None:
        return None
    if not hasattr(seed, "__index__"):
        raise TypeError(f"seed: a whole number is needed, not {type(seed).__name__}")
    if not 0 <= seed < 2 ** 64:
        raise OverflowError("seed: a number of 64 bits is needed")
    return ctypes.byref(ctypes.c_uint64(seed))


def labels_of(labels: Any, n: int) -> Optional[Block]:
    """Class numbers of n rows, or None."""
    marks = None if labels is None else numbers(labels, "int32_t", "labels")
    if marks is not None and marks.count != n:
        raise ValueError("labels: one for each row is needed")
    return marks
