#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Makes a virtual environment with pyarrow, DuckDB, polars and pandas from PyPI, for the tests of tables.
# Usage: setup_venv.sh FOLDER       (the tests look in BUILD_ROOT/venv, or where DPMIX_PEERS_VENV says)
set -eu
folder=${1:?usage: setup_venv.sh FOLDER}
[ -x "$folder/bin/python" ] || python3 -m venv "$folder"
"$folder/bin/python" -c 'import pyarrow, duckdb, polars, pandas' 2>/dev/null ||
    "$folder/bin/python" -m pip install --quiet --disable-pip-version-check pyarrow duckdb polars pandas
