# SPDX-License-Identifier: BSD-3-Clause
"""What is declared of a table's columns."""
from __future__ import annotations

import ctypes
import datetime
import json
import os
from typing import Any, Dict, List, Mapping, Optional, Sequence, Union

from ._library import Handle, code_of, library, make, path_bytes, text, word_of
from ._table import CONSTANTS

_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


def _days(bound: Any) -> int:
    if isinstance(bound, str):
        bound = datetime.date.fromisoformat(bound)
    if isinstance(bound, datetime.date):
        return bound.toordinal() - _EPOCH.toordinal()
    return int(bound)


def _microseconds(bound: Any) -> int:
    """Without a zone it is UTC."""
    if isinstance(bound, str):
        bound = datetime.datetime.fromisoformat(bound)
    if isinstance(bound, datetime.datetime):
        aware = bound if bound.tzinfo else bound.replace(tzinfo=datetime.timezone.utc)
        return (aware - _EPOCH) // datetime.timedelta(microseconds=1)
    return int(bound)


def _utf8(value: str) -> bytes:
    encoded = value.encode()
    if b"\0" in encoded:
        raise ValueError("a text cannot hold a null character")
    return encoded


def strings(values: Sequence[Optional[str]]) -> Any:
    """An array of C texts; None is NULL."""
    return (ctypes.c_char_p * max(1, len(values)))(
        *[None if value is None else _utf8(value) for value in values])


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
            self._pointer = make("dpmix_schema_new_json", _utf8(written))

    @classmethod
    def load(cls, path: Any) -> "Schema":
        """Reads a schema from a file of JSON."""
        made = cls.__new__(cls)
        Handle.__init__(made, make("dpmix_schema_load", path_bytes(path)))
        return made

    @classmethod
    def of(cls, given: Any) -> "Schema":
        """A schema from a Schema, a dict, a text of JSON, or the path of a file of it."""
        if isinstance(given, Schema):
            return given
        if isinstance(given, os.PathLike) or (isinstance(given, str) and not given.lstrip().startswith("{")):
            return cls.load(given)
        return cls(given)

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
        getattr(library, f"dpmix_schema_add_{kind}")(self, _utf8(name), *arguments, flags,
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
                         None if other is None else _utf8(other), nullable=nullable,
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
        """Adds the column that says whose record it is; at most max_rows of each enter a data set."""
        library.dpmix_schema_add_unit(self, _utf8(name), max_rows)
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
