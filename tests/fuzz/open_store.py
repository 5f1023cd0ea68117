# SPDX-License-Identifier: BSD-3-Clause
"""Takes the checksums out of the ledger's store. Usage: open_store.py SOURCE OUT

Where one is compared it is taken for right. Each place must be there exactly once.
"""
import pathlib
import sys

PLACES = {
    "account_tables.c": [
        ("row->id == id && seal_of(row, *name, version) == seal ?",
         "row->id == id && (seal_of(row, *name, version) == seal || 1) ?"),
    ],
    "account_store.c": [
        ("if (!status && (at.entries != end->entries || at.chain != end->chain))",
         "if (!status && at.entries != end->entries)"),
        ("return dpm_tables_seal_run(dataset, found) == (uint64_t)sqlite3_column_int64(statement, 3)",
         "return dpm_tables_seal_run(dataset, found) == (uint64_t)sqlite3_column_int64(statement, 3) || 1"),
    ],
}

source, out = map(pathlib.Path, sys.argv[1:])
text = source.read_text(encoding="utf-8")
for place, replacement in PLACES[source.name]:
    if text.count(place) != 1:
        sys.exit(f"{source}: {text.count(place)} places with this text, there should be one: {place}")
    text = text.replace(place, replacement)
out.write_text(text, encoding="utf-8")
