#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Makes a virtual environment with pyarrow, DuckDB and polars from PyPI, for tests/bindings/arrow_peers.py.
# Usage: setup_venv.sh FOLDER       (the test looks in BUILD_ROOT/venv, or where DPMIX_PEERS_VENV says)
set -eu
folder=${1:?usage: setup_venv.sh FOLDER}
[ -x "$folder/bin/python" ] || python3 -m venv "$folder"
"$folder/bin/python" -c 'import pyarrow, duckdb, polars' 2>/dev/null ||
    "$folder/bin/python" -m pip install --quiet --disable-pip-version-check pyarrow duckdb polars
