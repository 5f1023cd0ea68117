# SPDX-License-Identifier: BSD-3-Clause
"""Tables of other libraries: pandas, polars, pyarrow, DuckDB and whatever else speaks Arrow's PyCapsule protocol.

None of them is needed: the protocol is spoken through ctypes.
"""
from __future__ import annotations

import importlib
import warnings
from typing import Any, Callable, Optional

from ._arrow import STREAM, ArrowStream, capsule_of, capsules, pointer_of, with_type_of
from ._library import library, make
from ._schema import Schema


class Records:
    """Synthetic records that are made when somebody asks for them, in Arrow's types.

    Whatever speaks Arrow's PyCapsule protocol takes it: pyarrow.table(records), polars.DataFrame(records),
    duckdb.sql("select * from records"). With a seed, each time the same records. The schema goes with them, in
    the metadata of their type.
    """

    def __init__(self, fill: Callable[[int], None], schema: Schema, n: int) -> None:
        self._fill = fill
        self.schema = schema
        self.n = n

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        return capsule_of(ArrowStream(), self._fill)

    def __len__(self) -> int:
        return self.n

    def to_pyarrow(self) -> Any:
        """A pyarrow.Table."""
        import pyarrow  # type: ignore[import-not-found, import-untyped, unused-ignore]
        return pyarrow.table(self)

    def to_pandas(self) -> Any:
        """A pandas.DataFrame; it takes pyarrow. Times that pandas before 2.0 has no type for are datetimes."""
        table = self.to_pyarrow()
        try:
            return table.to_pandas()
        except ValueError:  # years before 1678 and after 2261
            return table.to_pandas(timestamp_as_object=True)

    def to_polars(self) -> Any:
        """A polars.DataFrame."""
        import polars  # type: ignore[import-not-found, unused-ignore]
        return polars.DataFrame(self)

    def to_duckdb(self, connection: Any = None) -> Any:
        """A relation of DuckDB, of its default connection where none is given; it takes pyarrow."""
        import duckdb  # type: ignore[import-not-found, unused-ignore]
        return (connection or duckdb).from_arrow(self.to_pyarrow())

    def __repr__(self) -> str:
        return f"<dpmix.Records: {self.n} of {', '.join(self.schema.names[:8])}>"


def _origin(frame: Any) -> str:
    return type(frame).__module__.split(".", maxsplit=1)[0]


def _named(frame: Any, schema: Optional[Schema]) -> Any:
    """A frame of pandas without the columns that the schema does not name: they would be converted to Arrow's, too,
    and one with cells of several types cannot be."""
    if schema is None or _origin(frame) != "pandas":
        return frame
    names, found = schema.names, list(getattr(frame, "columns", ()))
    return frame[names] if all(found.count(name) == 1 for name in names) else frame  # others may be in the index


def dataset_pointer(frame: Any, schema: Optional[Schema]) -> Optional[int]:
    """A dataset from a frame, by the schema or the one that the frame carries. The library releases what the
    capsules hold."""
    held = capsules(_named(frame, schema))
    pointers = [pointer_of(capsule, name) for name, capsule in held]
    if held[0][0] == STREAM:
        declared = schema or with_type_of(pointers[0], Schema._carried)
        return make("dpmix_dataset_new_stream", declared, *pointers)
    return make("dpmix_dataset_new_arrow", schema or Schema._carried(pointers[1]), *pointers)


def check_like(frame: Any) -> None:
    """What like() would lack when all is paid for."""
    if _origin(frame) in ("pandas", "duckdb", "_duckdb"):
        importlib.import_module("pyarrow")


def like(frame: Any, records: Records) -> Any:
    """The records as a frame of the same library; as they are where that library is not known, or cannot: they are
    paid for."""
    made = {"pandas": records.to_pandas, "polars": records.to_polars, "pyarrow": records.to_pyarrow,
            "duckdb": records.to_duckdb, "_duckdb": records.to_duckdb}.get(_origin(frame), lambda: records)
    try:
        return made()
    except Exception as error:  # pylint: disable=broad-exception-caught
        warnings.warn(f"{_origin(frame)} cannot make a frame of the records, they remain dpmix.Records: {error}",
                      RuntimeWarning, stacklevel=3)
        return records


def stream_of(noun: str, model: Any, schema: Schema, n: int, seed: Any) -> Records:
    """The records of a model, decoded by the schema."""
    def fill(address: int) -> None:
        getattr(library, f"dpmix_{noun}_stream")(model, address, schema, n, seed)
    return Records(fill, schema, n)
