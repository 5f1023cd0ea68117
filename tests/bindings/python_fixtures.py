# SPDX-License-Identifier: BSD-3-Clause
"""What the tests of the Python package share. With DPMIX_TEST_PLAIN in the environment NumPy and Arrow's libraries
are hidden from them. Every call of the C library is noted.
"""
import importlib.util
import os
import pathlib
import struct
import sys

PEERS = [name for name in ("numpy", "pyarrow", "pandas", "polars", "duckdb") if importlib.util.find_spec(name)]
if os.environ.get("DPMIX_TEST_PLAIN"):
    sys.modules.update({name: None for name in PEERS})  # an import raises ImportError
    PEERS = []
try:
    import numpy
except ImportError:
    numpy = None

import dpmix
from dpmix import _library

CALLED = set()  # names of functions
_call = _library.Function.__call__


def _noting_call(self, *arguments):
    CALLED.add(self.name)
    return _call(self, *arguments)


_library.Function.__call__ = _noting_call

ROWS, COLUMNS, CLASSES = 600, 4, 3
ROOT = pathlib.Path(__file__).resolve().parents[2]


def some_rows():
    return [[(i * 7 + j * 3) % 11 / 11 for j in range(COLUMNS)] for i in range(ROWS)]


def some_labels():
    return [i % CLASSES for i in range(ROWS)]


def dataset(**more):
    return dpmix.Dataset(some_rows(), 0, 1, labels=some_labels(), classes=CLASSES, **more)


def budget(epsilon=1.0):
    return dpmix.Accountant(epsilon, 1e-5, "add-remove")


def listed(values):
    return values.tolist()


def tiny_idx(folder, side=28):
    """Square images of ten classes, as IDX files."""
    images, labels = pathlib.Path(folder, "images"), pathlib.Path(folder, "labels")
    images.write_bytes(struct.pack(">4B3I", 0, 0, 8, 3, 200, side, side) +
                       bytes(i % 251 for i in range(200 * side * side)))
    labels.write_bytes(struct.pack(">4BI", 0, 0, 8, 1, 200) + bytes(i % 10 for i in range(200)))
    return images, labels


def tiny_npy(path, code, shape):
    """Zeros as an NPY file, of an array type code such as "f"."""
    order = "<" if sys.byteorder == "little" else ">"
    header = f"{{'descr': '{order}{code}', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    size = struct.calcsize("=" + {"f4": "f", "i4": "i"}[code])
    count = 1
    for side in shape:
        count *= side
    path.write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + bytes(size * count))
    return path
