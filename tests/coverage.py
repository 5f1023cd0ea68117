# SPDX-License-Identifier: BSD-3-Clause
"""Compares the branches of the vault and the accountant that no test took with those that tests/coverage.list
gives a reason for. A branch that is in neither, and a line of the list that is no longer true, is a failure.

    python3 tests/coverage.py SOURCE BUILD    after the tests have run in BUILD (tests/coverage.sh)
"""
import json
import pathlib
import re
import subprocess
import sys

ROOMS = ('account', 'privacy')
FUNCTION = re.compile(r'^[A-Za-z_][\w ]*?[ *]*(\w+)\(')


def function_at(lines, number):
    """The function, or the macro that makes some, whose definition is above the line."""
    for line in reversed(lines[:number]):
        found = FUNCTION.match(line)
        if found:
            return found[1]
    return '-'


def counts_of(build, room):
    """The files of a room that gcov knows: their names, and how often the branches of each line ran."""
    for counts in sorted((build / 'lib' / f'libdpmix_{room}.a.p').glob('*.gcda')):
        said = subprocess.run(['gcov', '--json-format', '--stdout', '--branch-probabilities', counts],
                              check=True, capture_output=True, text=True, cwd=build).stdout
        for file in json.loads(said)['files']:
            path = pathlib.PurePath(file['file'])
            if path.parent.name == room:
                yield path.name, {line['line_number']: [branch['count'] for branch in line['branches']]
                                  for line in file['lines']}


def add(all_lines, more):
    """A header's lines come with each of its users; a branch counts where any of them takes it."""
    for number, branches in more.items():
        known = all_lines.setdefault(number, branches)
        if known is not branches:
            longer = max(known, branches, key=len)
            shorter = known if longer is branches else branches
            all_lines[number] = [n + (shorter[i] if i < len(shorter) else 0) for i, n in enumerate(longer)]


def untaken(source, build):
    """How many branches are not taken, by file, function and text; how many are, and how many there are."""
    result, taken, total = {}, 0, 0
    for room in ROOMS:
        files = {}
        for name, counted in counts_of(build, room):
            add(files.setdefault(name, {}), counted)
        for name, counted in files.items():
            lines = (source / 'lib' / room / name).read_text().splitlines()
            for number, branches in counted.items():
                text = lines[number - 1].strip()
                if not branches or 'assert(' in text:
                    continue
                missing = branches.count(0)
                total += len(branches)
                taken += len(branches) - missing
                if missing:
                    key = (name, function_at(lines, number), text)
                    result[key] = result.get(key, 0) + missing
    return result, taken, total


def listed(path):
    """The lines of the list: FILE FUNCTION NUMBER TEXT, a TEXT that is cut off ends with three dots."""
    for line in path.read_text().splitlines():
        if line.strip() and not line.startswith(('#', '=')):
            name, function, number, text = line.split(None, 3)
            yield name, function, int(number), text


def matches(entry, key):
    text = entry[3]
    same = key[2].startswith(text[:-3]) if text.endswith('...') else key[2] == text
    return same and entry[:2] == key[:2]


def main(source, build):
    missing, taken, total = untaken(source, build)
    if total == 0:
        sys.exit('nothing was counted')
    entries = list(listed(source / 'tests' / 'coverage.list'))
    faults = 0
    for key, number in sorted(missing.items()):
        expected = sum(entry[2] for entry in entries if matches(entry, key))
        if number > expected:
            faults += 1
            print(f'not taken, and not in the list: {key[0]} {key[1]} {number - expected} {key[2]}')
    for entry in entries:
        number = sum(n for key, n in missing.items() if matches(entry, key))
        if number < entry[2]:
            faults += 1
            print(f'in the list, and taken: {entry[0]} {entry[1]} {entry[2] - number} {entry[3]}')
    print(f'{taken} of {total} branches of {" and ".join(ROOMS)} are taken, '
          f'{total - taken} are not, {sum(entry[2] for entry in entries)} have a reason')
    sys.exit(1 if faults else 0)


if __name__ == '__main__':
    main(pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve())
