# SPDX-License-Identifier: BSD-3-Clause
"""Counts the tests of one or more passes: the last line is "N passed, N failed, N skipped".

Usage: tally.py TESTLOG.JSON... A test program that reports each of its tests counts as that many; a pass that
left no log, and a program that ended badly without naming a test, count as one failure.
"""
import json
import pathlib
import re
import sys


def count(entry):
    reported = re.findall(r"^(not ok|ok)\b([^\n]*)", entry.get("stdout", ""), flags=re.M)
    skipped = sum(1 for _, rest in reported if re.search(r"# *skip", rest, flags=re.I))
    failed = sum(1 for word, _ in reported if word == "not ok")
    passed = len(reported) - skipped - failed
    if entry["result"] in ("OK", "EXPECTEDFAIL"):
        return (passed, 0, skipped) if reported else (1, 0, 0)
    if entry["result"] == "SKIP":
        return 0, 0, max(skipped, 1)
    return passed, max(failed, 1), skipped


def main():
    total = [0, 0, 0]
    for log in map(pathlib.Path, sys.argv[1:]):
        lines = log.read_text().splitlines() if log.exists() else []
        if not lines:
            print(f"{log}: this pass did not run")
            total[1] += 1
        for entry in map(json.loads, lines):
            counted = count(entry)
            if counted[1] or counted[2]:
                print(f"{log.parts[-3]}: {entry['name']}: {entry['result'].lower()}")
            total = [one + other for one, other in zip(total, counted)]
    print("{} passed, {} failed, {} skipped".format(*total))
    sys.exit(1 if total[1] or not total[0] else 0)


main()
