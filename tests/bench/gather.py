# SPDX-License-Identifier: BSD-3-Clause
"""Gathers the figures of the benchmarks: the lines of their output that are JSON objects.

Usage: gather.py BENCHMARKLOG.JSON BENCH.JSONL
"""
import json
import math
import pathlib
import sys


def figures(output):
    for line in output.splitlines():
        if line.startswith("{"):
            figure = json.loads(line)
            if not (figure["name"] and figure["unit"] and math.isfinite(figure["value"])):
                raise ValueError(f"not a figure: {line}")
            if ("against" in figure) != ("ratio" in figure):
                raise ValueError(f"against and ratio go together: {line}")
            yield figure


def main():
    entries = [json.loads(line) for line in pathlib.Path(sys.argv[1]).read_text().splitlines()]
    gathered = []
    failed = [entry["name"] for entry in entries if entry["result"] not in ("OK", "SKIP")]
    for entry in entries:
        found = list(figures(entry.get("stdout", "")))
        if not found and entry["result"] == "OK":
            failed.append(f"{entry['name']} (no figures)")
        gathered += found
    text = "".join(json.dumps(figure) + "\n" for figure in gathered)
    pathlib.Path(sys.argv[2]).write_text(text)
    print(text, end="")
    for name in failed:
        print(f"failed: {name}")
    sys.exit(1 if failed or not gathered else 0)


main()
