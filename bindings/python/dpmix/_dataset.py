# SPDX-License-Identifier: BSD-3-Clause
"""Private records."""
from __future__ import annotations

import csv
from typing import Any, Iterable, List, Optional, Sequence, Tuple, Union

from ._arrays import labels_of, numbers, rows as rows_of
from ._errors import FormatError
from ._frames import dataset_pointer
from ._library import Block, Handle, library, make, path_bytes
from ._schema import Schema
from ._table import CONSTANTS

Bound = Union[float, Sequence[float]]

_CONSTRUCTORS = {"uint8_t": "dpmix_dataset_new_u8", "float": "dpmix_dataset_new_f32",
                 "double": "dpmix_dataset_new_f64"}


def _bounds(lower: Bound, upper: Bound, width: int) -> Tuple[Block, Block, int]:
    """Declared bounds: one pair for all columns, or one per column."""
    pair = []
    for bound, what in ((lower, "lower"), (upper, "upper")):
        pair.append(numbers(bound if hasattr(bound, "__len__") else [bound], "double", what))
    if {pair[0].count, pair[1].count} == {1, width}:  # one of them is for all columns
        pair = [numbers([float(one.owner[0])] * width, "double", "bounds")  # type: ignore[index]
                if one.count == 1 else one for one in pair]
    if pair[0].count != pair[1].count:
        raise ValueError("lower, upper: one number for all columns, or one per column, is needed")
    return pair[0], pair[1], pair[0].count


class Dataset(Handle):
    """The private records: they can be read by nothing but the library's noisy queries.

    rows:    two dimensions (more are flattened to columns), or one and `columns`. uint8, float32 and float64
             in C's layout go in as they are; everything else is converted first. An array of three dimensions,
             n x side x side, declares square images: see set_images(). NumPy's masked arrays are taken where
             nothing is masked.
    lower, upper: the declared bounds, never read from the data: a number for all columns, or one for each.
    labels, classes: class numbers from 0, and the declared number of classes.
    groups:  for each column 0 or the number of its one-hot group: see dpmix/dataset.h.
    copy:    False: no copy. The rows must then stay unchanged as long as this data set, or anything that was
             fitted to it, exists; they are kept alive. True: the library has its own copy, and wipes it.
             A conversion in Python makes a copy that nobody wipes.
    """

    _noun = "dataset"

    def __init__(self, rows: Any, lower: Bound, upper: Bound, *, labels: Any = None, classes: int = 0,
                 columns: Optional[int] = None, groups: Optional[Sequence[int]] = None,
                 copy: bool = False) -> None:
        super().__init__(None)
        block, n_rows, width = rows_of(rows, ("uint8_t", "float", "double"), "rows", columns)
        low, high, n_bounds = _bounds(lower, upper, width)
        marks = labels_of(labels, n_rows)
        self._pointer = make(_CONSTRUCTORS[block.kind], block if n_rows else None, n_rows, width, marks, classes,
                             low, high, n_bounds, CONSTANTS["DPMIX_STORAGE_" + ("COPY" if copy else "BORROW")])
        if not copy:
            self._keep = (block, marks)
        if groups is not None:
            self.set_groups(groups)
        shape = tuple(getattr(rows, "shape", ()))
        if len(shape) == 3 and shape[1] == shape[2]:
            self.set_images(shape[1])

    @classmethod
    def _made(cls, pointer: Optional[int], keep: Tuple[object, ...] = ()) -> "Dataset":
        made = cls.__new__(cls)
        Handle.__init__(made, pointer)
        made._keep = keep
        return made

    @classmethod
    def from_idx(cls, images: Any, labels: Any = None, *, lower: float, upper: float,
                 classes: int = 0) -> "Dataset":
        """From IDX files of bytes (the format of MNIST), gzip'd or not."""
        return cls._made(make("dpmix_dataset_new_idx", path_bytes(images),
                              None if labels is None else path_bytes(labels), classes, lower, upper))

    @classmethod
    def from_npy(cls, rows: Any, labels: Any = None, *, lower: Bound, upper: Bound,
                 classes: int = 0) -> "Dataset":
        """From NPY files, gzip'd or not."""
        width = max(len(bound) if hasattr(bound, "__len__") else 1 for bound in (lower, upper))
        return cls._made(make("dpmix_dataset_new_npy", path_bytes(rows),
                              None if labels is None else path_bytes(labels), classes,
                              *_bounds(lower, upper, width)))

    @classmethod
    def from_frame(cls, frame: Any, schema: Any = None) -> "Dataset":
        """From a table of pandas, polars, pyarrow, DuckDB, or whatever speaks Arrow's PyCapsule protocol.

        schema: whatever Schema.of() takes; None: the one that the frame carries in the metadata of its type. The
        library makes the rows, and wipes them.
        """
        return cls._made(dataset_pointer(frame, None if schema is None else Schema.of(schema)))

    @classmethod
    def from_text(cls, rows: Iterable[Sequence[Optional[str]]], schema: Any) -> "Dataset":
        """From rows of text, as csv.reader gives them, in the order of the schema's columns; None is null."""
        declared = Schema.of(schema)
        return cls._made(make("dpmix_dataset_new_text", declared, *declared.cells(rows)))

    @classmethod
    def from_csv(cls, path: Any, schema: Any, **format: Any) -> "Dataset":
        """From a CSV file whose first line names the columns; those that the schema does not name are left out.
        An empty field is null, quoted or not, but in columns that have the empty text among their values.
        A quote that is not closed, or closed before the field ends, is refused: it would swallow the lines that
        follow. `format` goes to csv.reader, such as delimiter=";"; strict=False takes such quotes."""
        declared = Schema.of(schema)
        with open(path, newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file, **{"strict": True, **format})
            lines: List[Tuple[int, List[str]]] = []
            try:
                for fields in reader:
                    lines.append((reader.line_num, fields))
            except csv.Error as error:  # which tells no field
                begun = lines[-1][0] + 1 if lines else 1
                since = "" if begun == reader.line_num else f", in the record that begins in line {begun}"
                raise FormatError(f"rows: line {reader.line_num}: {error}{since}") from None
            except ValueError:  # which tells what it found
                raise FormatError("rows: the file is not UTF-8, or has no number where `format` says so") from None
        header = lines[0][1] if lines else []
        missing = [name for name in declared.names if header.count(name) != 1]
        if missing:
            raise FormatError(f"rows: the column {missing[0]!r} is missing, or there twice, in a header of "
                              f"{len(header)} fields")
        places = [header.index(name) for name in declared.names]
        uneven = [at for at, line in lines[1:] if line and len(line) != len(header)]
        if uneven:
            raise FormatError(f"rows: line {uneven[0]} has not as many fields as the first one")
        empty = ["" if "" in (*column.values, column.other) else None for column in declared.columns]
        try:
            cells = declared.cells([none if line[at] == "" else line[at] for at, none in zip(places, empty)]
                                   for _, line in lines[1:] if line)
        except ValueError:
            raise FormatError("rows: a field has a null character") from None
        return cls._made(make("dpmix_dataset_new_text", declared, *cells))

    def set_groups(self, groups: Sequence[int]) -> None:
        """Declares which columns together encode a category."""
        block = numbers(groups, "int32_t", "groups")
        library.dpmix_dataset_set_groups(self, block, block.count)

    def set_images(self, side: int) -> None:
        """Declares that a record is a square image of side x side pixels: Generator("gmm") then works in its
        low frequencies."""
        library.dpmix_dataset_set_images(self, side)

    @property
    def columns(self) -> int:
        """The declared number of columns. The number of rows is private."""
        return int(library.dpmix_dataset_columns(self))

    @property
    def classes(self) -> int:
        """The declared number of classes; 0 without labels."""
        return int(library.dpmix_dataset_classes(self))

    def __repr__(self) -> str:
        if self._pointer is None:
            return "<dpmix.Dataset, closed>"
        labels = f"{self.classes} classes" if self.classes else "no labels"
        return f"<dpmix.Dataset: {self.columns} columns, {labels}>"
