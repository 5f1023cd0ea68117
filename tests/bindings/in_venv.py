# SPDX-License-Identifier: BSD-3-Clause
"""Runs a test with the Python of the virtual environment in BUILD_ROOT/venv, or DPMIX_PEERS_VENV, where pyarrow,
DuckDB, polars and pandas are; skips (77) where there is none. With DPMIX_PEERS_INSTALL=1 setup_venv.sh makes it
first.

Usage: in_venv.py BUILD_ROOT SCRIPT [ARGUMENT...]
"""
import os
import pathlib
import subprocess
import sys

build_root, *command = sys.argv[1:]
folder = pathlib.Path(os.environ.get("DPMIX_PEERS_VENV") or pathlib.Path(build_root, "venv"))
if os.environ.get("DPMIX_PEERS_INSTALL") == "1":
    subprocess.run(["sh", str(pathlib.Path(__file__).with_name("setup_venv.sh")), str(folder)], check=False)
python = folder / "bin" / "python"
if not python.exists():
    print(f"no virtual environment in {folder}: see tests/bindings/setup_venv.sh")
    sys.exit(77)
os.execv(python, [str(python), *command])
