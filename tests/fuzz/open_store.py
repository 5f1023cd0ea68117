# SPDX-License-Identifier: BSD-3-Clause
"""Takes the checksums out of the ledger's store. Usage: open_store.py SOURCE OUT

Where one is compared it is taken for right. Each place must be there exactly once.
"""
import pathlib
import sys

PLACES = [
    ("row->id == id && seal_of(row, *name, version) == seal ?",
     "row->id == id && (seal_of(row, *name, version) == seal || 1) ?"),
    ("if (!status && (at.entries != end->entries || at.chain != end->chain))",
     "if (!status && at.entries != end->entries)"),
    ("return seal_of_run(dataset, found) == (uint64_t)sqlite3_column_int64(statement, 3) ?",
     "return seal_of_run(dataset, found) == (uint64_t)sqlite3_column_int64(statement, 3) || 1 ?"),
]

source, out = sys.argv[1:]
text = pathlib.Path(source).read_text(encoding="utf-8")
for place, replacement in PLACES:
    if text.count(place) != 1:
        sys.exit(f"{source}: {text.count(place)} places with this text, there should be one: {place}")
    text = text.replace(place, replacement)
pathlib.Path(out).write_text(text, encoding="utf-8")
