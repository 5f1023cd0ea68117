# SPDX-License-Identifier: BSD-3-Clause
"""Counts the tests of one or more passes: the last line is "N passed, N failed, N skipped".

Usage: tally.py TESTLOG.JSON... NAME=STATUS... A test program that reports each of its tests counts as that many;
a pass that left no log, and a program that ended badly without naming a test, count as one failure. A pass that
is one script counts as one test, which its status says the result of.
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


def read_log(path):
    """The counts of a pass, after a line for each program that did not pass."""
    lines = path.read_text().splitlines() if path.exists() else []
    total = [0, 0, 0]
    if not lines:
        print(f"{path}: this pass did not run")
        total[1] = 1
    for entry in map(json.loads, lines):
        counted = count(entry)
        if counted[1] or counted[2]:
            print(f"{path.parts[-3]}: {entry['name']}: {entry['result'].lower()}")
        total = [one + other for one, other in zip(total, counted)]
    return total


def main():
    passes = []
    for argument in sys.argv[1:]:
        name, equals, status = argument.partition("=")
        if equals:
            passes.append((name, [int(status == "0"), int(status != "0"), 0]))
        else:
            path = pathlib.Path(argument)
            passes.append((f"{path.parts[-3]}/{path.stem}", read_log(path)))
    for name, counted in passes:
        print("{}: {} passed, {} failed, {} skipped".format(name, *counted))
    total = [sum(column) for column in zip(*(counted for _, counted in passes))]
    print("{} passed, {} failed, {} skipped".format(*total))
    sys.exit(1 if total[1] or not total[0] else 0)


main()
