# SPDX-License-Identifier: BSD-3-Clause
"""What is declared of a table's columns."""
from __future__ import annotations

import ctypes
import datetime
import json
import operator
import os
from typing import Any, Dict, Iterable, List, Mapping, NamedTuple, Optional, Sequence, Tuple, Union

from ._arrays import Samples, labels_of, numbers, room, rows as rows_of, seed_of
from ._arrow import SCHEMA, ArrowSchema, STREAM, capsule_of, capsules, pointer_of, with_type_of
from ._errors import CancelledError
from ._library import Handle, Record, code_of, library, make, path_bytes, text, utf8, word_of
from ._table import CONSTANTS

_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


def _python(bound: Any) -> Any:
    """NumPy's dates and times as Python's: as numbers they are of any unit."""
    kind = getattr(getattr(bound, "dtype", None), "kind", "")
    return bound.astype("datetime64[us]").item() if kind == "M" else bound


def _number(bound: Any, what: str) -> int:
    """Seconds, which are what Python has as float, are not meant: nothing is cut to be a whole number."""
    try:
        return operator.index(bound)
    except TypeError:
        raise TypeError(f"lower, upper: a datetime, a date, an ISO text or whole {what} since 1970 are needed, "
                        f"not {type(bound).__name__}") from None


def _days(bound: Any) -> int:
    bound = _python(bound)
    if isinstance(bound, str):
        bound = datetime.date.fromisoformat(bound)
    if isinstance(bound, datetime.date):
        return bound.toordinal() - _EPOCH.toordinal()
    return _number(bound, "days")


def _microseconds(bound: Any) -> int:
    """Without a zone it is UTC; a date is its midnight."""
    bound = _python(bound)
    if isinstance(bound, str):
        bound = datetime.datetime.fromisoformat(bound)
    if isinstance(bound, datetime.date) and not isinstance(bound, datetime.datetime):
        bound = datetime.datetime.combine(bound, datetime.time())
    if isinstance(bound, datetime.datetime):
        aware = bound if bound.tzinfo else bound.replace(tzinfo=datetime.timezone.utc)
        return (aware - _EPOCH) // datetime.timedelta(microseconds=1)
    return _number(bound, "microseconds")


def _date(days: int) -> datetime.date:
    return datetime.date.fromordinal(days + _EPOCH.toordinal())


def _moment(microseconds: int) -> datetime.datetime:
    return _EPOCH + datetime.timedelta(microseconds=microseconds)


def strings(values: Sequence[Optional[str]]) -> Any:
    """An array of C texts; None is NULL."""
    if isinstance(values, str):
        raise TypeError("values: a list of texts is needed, not one text")
    return (ctypes.c_char_p * max(1, len(values)))(
        *[None if value is None else utf8(value) for value in values])


class Column(NamedTuple):
    """One column of a schema. Bounds are numbers, dates or datetimes (UTC); of the unit column 1 and max_rows."""

    name: str
    kind: str
    lower: Any
    upper: Any
    values: List[str]
    other: Optional[str]
    nullable: bool
    log: bool
    outside: str
    places: range  # of an encoded row; empty for label and unit


class Schema(Handle):
    """The columns of a table: declared, never read from private data (dpmix/schema.h).

        schema = dpmix.Schema().integer("age", 17, 90).categorical("job", ["clerk", "nurse"], other="another")
        schema.boolean("member").set_label("member")

    `declared` is the JSON of dpmix/schema.h, as a dict or a text. nullable: null is a value of the column.
    outside: what stands for a value that is not in the schema: "clamp", "other" or "null".
    """

    _noun = "schema"

    def __init__(self, declared: Union[None, str, Mapping[str, Any]] = None) -> None:
        super().__init__(None)
        if declared is None:
            self._pointer = make("dpmix_schema_new")
        else:
            written = declared if isinstance(declared, str) else json.dumps(declared)
            self._pointer = make("dpmix_schema_new_json", utf8(written))

    @classmethod
    def load(cls, path: Any) -> "Schema":
        """Reads a schema from a file of JSON."""
        made = cls.__new__(cls)
        Handle.__init__(made, make("dpmix_schema_load", path_bytes(path)))
        return made

    @classmethod
    def of(cls, given: Any) -> "Schema":
        """A schema from a Schema, a dict, a text of JSON, the path of a file of it, or from what carries one in
        the metadata of its Arrow type: pyarrow's schemas and tables, dpmix.Records, ..."""
        if isinstance(given, Schema):
            return given
        if isinstance(given, os.PathLike) or (isinstance(given, str) and not given.lstrip().startswith("{")):
            return cls.load(given)
        return cls(given) if isinstance(given, (str, Mapping)) else cls._from_arrow(given)

    @classmethod
    def _carried(cls, types: int) -> "Schema":
        """From the metadata of the ArrowSchema at that address."""
        made = cls.__new__(cls)
        Handle.__init__(made, make("dpmix_schema_new_arrow", types))
        return made

    @classmethod
    def _from_arrow(cls, given: Any) -> "Schema":
        typed: Any = getattr(given, "schema", None)  # of a table; a stream can perhaps be read only once
        for source in (given, typed):
            if hasattr(source, "__arrow_c_schema__"):
                capsule = source.__arrow_c_schema__()
                return cls._carried(pointer_of(capsule, SCHEMA))
        held = dict(capsules(given))
        if STREAM in held:
            made: Schema = with_type_of(pointer_of(held[STREAM], STREAM), cls._carried)
            return made
        return cls._carried(pointer_of(held[SCHEMA], SCHEMA))

    def __arrow_c_schema__(self) -> Any:
        """The Arrow type of synthetic records, with this schema in its metadata: pyarrow.schema(schema)."""
        return capsule_of(ArrowSchema(), lambda address: library.dpmix_schema_arrow(self, address))

    def save(self, path: Any) -> None:
        """Writes the schema to a file of JSON."""
        library.dpmix_schema_save(self, path_bytes(path))

    @property
    def declared(self) -> Dict[str, Any]:
        """The schema as the dict that Schema() takes."""
        return dict(json.loads(text("dpmix_schema_json", self)))

    def _add(self, kind: str, name: str, *arguments: Any, nullable: bool, outside: str,
             log: bool = False) -> "Schema":
        flags = (CONSTANTS["DPMIX_SCHEMA_NULLABLE"] if nullable else 0) | (
            CONSTANTS["DPMIX_SCHEMA_LOG"] if log else 0)
        getattr(library, f"dpmix_schema_add_{kind}")(self, utf8(name), *arguments, flags,
                                                     code_of("OUTSIDE", outside))
        return self

    def continuous(self, name: str, lower: float, upper: float, *, log: bool = False, nullable: bool = False,
                   outside: str = "clamp") -> "Schema":
        """Adds a column of real numbers; `log`: they are seen on a logarithmic scale."""
        return self._add("continuous", name, lower, upper, nullable=nullable, outside=outside, log=log)

    def integer(self, name: str, lower: int, upper: int, *, nullable: bool = False,
                outside: str = "clamp") -> "Schema":
        """Adds a column of whole numbers; both bounds are values."""
        return self._add("integer", name, lower, upper, nullable=nullable, outside=outside)

    def ordinal(self, name: str, values: Sequence[str], *, nullable: bool = False,
                outside: str = "clamp") -> "Schema":
        """Adds a column of texts in an order, the lowest first."""
        return self._add("ordinal", name, strings(values), len(values), nullable=nullable, outside=outside)

    def categorical(self, name: str, values: Sequence[str], *, other: Optional[str] = None,
                    nullable: bool = False, outside: Optional[str] = None) -> "Schema":
        """Adds a column of texts without an order; `other` stands for what is not in the list."""
        return self._add("categorical", name, strings(values), len(values),
                         None if other is None else utf8(other), nullable=nullable,
                         outside=outside or ("clamp" if other is None else "other"))

    def boolean(self, name: str, *, nullable: bool = False, outside: str = "clamp") -> "Schema":
        """Adds a column of truth values."""
        return self._add("boolean", name, nullable=nullable, outside=outside)

    def date(self, name: str, lower: Any, upper: Any, *, nullable: bool = False,
             outside: str = "clamp") -> "Schema":
        """Adds a column of dates; bounds are dates, ISO texts or days since 1970."""
        return self._add("date", name, _days(lower), _days(upper), nullable=nullable, outside=outside)

    def timestamp(self, name: str, lower: Any, upper: Any, *, nullable: bool = False,
                  outside: str = "clamp") -> "Schema":
        """Adds a column of times; bounds are datetimes, ISO texts or microseconds since 1970 (UTC)."""
        return self._add("timestamp", name, _microseconds(lower), _microseconds(upper), nullable=nullable,
                         outside=outside)

    def unit(self, name: str, max_rows: int) -> "Schema":
        """Adds the column that says whose record it is; at most max_rows of each enter a data set.

        What is spent for one of them is then Accountant.spent_group(max_rows) under "add-remove" and "zero-out",
        and spent_group(2 * max_rows) under "replace-one".
        """
        library.dpmix_schema_add_unit(self, utf8(name), max_rows)
        return self

    def set_label(self, name: str) -> "Schema":
        """Makes a column the label."""
        if name not in self.names:
            raise KeyError(name)
        library.dpmix_schema_set_label(self, self.names.index(name))
        return self

    @property
    def names(self) -> List[str]:
        """The names of the columns."""
        return [library.dpmix_schema_name(self, at).decode() for at in range(library.dpmix_schema_columns(self))]

    @property
    def kinds(self) -> Dict[str, str]:
        """The kinds of the columns, by name."""
        return {name: word_of("KIND", library.dpmix_schema_kind(self, at)) for at, name in enumerate(self.names)}

    def _bounds(self, at: int, kind: str) -> Tuple[Any, Any]:
        whole = kind in ("integer", "date", "timestamp", "unit")
        if not whole and kind != "continuous":
            return None, None
        pair: Any = [ctypes.c_int64() if whole else ctypes.c_double() for _ in range(2)]
        function = library.dpmix_schema_range_int if whole else library.dpmix_schema_range
        function(self, at, *[ctypes.byref(bound) for bound in pair])
        read = {"date": _date, "timestamp": _moment}.get(kind, lambda bound: bound)
        return read(pair[0].value), read(pair[1].value)

    def _column(self, at: int, name: str, kind: str) -> Column:
        first, n = ctypes.c_size_t(), ctypes.c_size_t()
        library.dpmix_schema_places(self, at, ctypes.byref(first), ctypes.byref(n))
        flags, other = library.dpmix_schema_flags(self, at), library.dpmix_schema_other(self, at)
        values = [library.dpmix_schema_value(self, at, value).decode()
                  for value in range(library.dpmix_schema_values(self, at))]
        return Column(name, kind, *self._bounds(at, kind), values, None if other is None else other.decode(),
                      bool(flags & CONSTANTS["DPMIX_SCHEMA_NULLABLE"]), bool(flags & CONSTANTS["DPMIX_SCHEMA_LOG"]),
                      word_of("OUTSIDE", library.dpmix_schema_outside(self, at)),
                      range(first.value, first.value + n.value))

    @property
    def columns(self) -> List[Column]:
        """The columns as they were declared, and where they stand in an encoded row."""
        return [self._column(at, name, kind) for at, (name, kind) in enumerate(self.kinds.items())]

    @property
    def groups(self) -> List[int]:
        """For each place of an encoded row 0, or the number of its one-hot group."""
        out = (ctypes.c_int32 * max(1, self.width))()
        library.dpmix_schema_groups(self, out, self.width)
        return list(out)[:self.width]

    def cells(self, rows: Iterable[Sequence[Optional[str]]]) -> Tuple[Any, int, int]:
        """Rows of text as C takes them: cells, rows, columns."""
        listed, width = list(rows), len(self.names)
        if any(isinstance(row, (str, Mapping)) for row in listed):  # whose letters or keys are no cells
            raise TypeError("rows: each is a list of texts, in the order of the schema's columns")
        if any(len(row) != width for row in listed):
            raise ValueError("rows: each needs one text for every column of the schema")
        return strings([cell for row in listed for cell in row]), len(listed), width

    def encode(self, rows: Iterable[Sequence[Optional[str]]]) -> Samples:
        """Rows of text, in the order of the columns, as a data set of this schema has them: for
        Clusterer.assign() and the like. None is null."""
        cells, n, width = self.cells(rows)
        out, block = room((n, self.width), "float")
        labels, marks = room((n,), "int32_t") if self.classes else (None, None)
        library.dpmix_schema_encode_text(self, block, marks, cells, n, width)
        return Samples(out, labels)

    def decode(self, rows: Any, labels: Any = None, *, categories: str = "draw", seed: Optional[int] = None,
               first: int = 0) -> List[List[Optional[str]]]:
        """Samples as rows of text, in the order of the columns; None is null, and stands for the unit column.

            csv.writer(file).writerows(schema.decode(*mixture.sample(1000)))

        categories: what a category becomes where its numbers are not exactly one-hot: "draw" in proportion to
        them, as is right for a VAE, an RBM and a CGAN; "largest" for Gaussians. seed, first: of the draws.
        """
        block, n, width = rows_of(rows, ("float",), "rows", self.width)
        made: List[List[Optional[str]]] = []
        raised: List[BaseException] = []

        def take(_user: Any, _record: int, cells: int, n_columns: int) -> int:
            try:
                texts = ctypes.cast(cells, ctypes.POINTER(ctypes.c_char_p))[:n_columns]
                made.append([None if cell is None else cell.decode() for cell in texts])
            except BaseException as error:  # pylint: disable=broad-exception-caught
                raised.append(error)  # Ctrl-C, most likely: nothing can be raised through C
            return len(raised)
        try:
            library.dpmix_schema_decode_text(self, block, labels_of(labels, n) if self.classes else None, first, n,
                                             width, code_of("DECODE", categories), seed_of(seed), Record(take), None)
        except CancelledError:
            raise raised[0] from None
        return made

    def _name_at(self, at: int) -> Optional[str]:
        return None if at < 0 else self.names[at]

    @property
    def label(self) -> Optional[str]:
        """The name of the label column."""
        return self._name_at(library.dpmix_schema_label(self))

    @property
    def unit_column(self) -> Optional[str]:
        """The name of the column that says whose record it is."""
        return self._name_at(library.dpmix_schema_unit(self))

    @property
    def width(self) -> int:
        """How many places an encoded row has."""
        return int(library.dpmix_schema_width(self))

    @property
    def classes(self) -> int:
        """The classes of the label; 0 without one."""
        return int(library.dpmix_schema_classes(self))

    def __repr__(self) -> str:
        if self._pointer is None:
            return "<dpmix.Schema, closed>"
        columns = ", ".join(f"{name}: {kind}" for name, kind in list(self.kinds.items())[:8])
        more = ", ..." if len(self.names) > 8 else ""
        return f"<dpmix.Schema: {columns}{more}; {self.width} places, label {self.label}>"
