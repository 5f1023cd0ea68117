# SPDX-License-Identifier: BSD-3-Clause
"""The table of rooms is what the compiler enforces.

For each room, with the very flags that the build compiles it with: every header that its row allows compiles,
alone, and every other header is not found. A header that stands on a room which the reader may not see is the
inner business of its own room: others are not asked to compile it. Usage: rooms.py SOURCE_ROOT BUILD_ROOT ROW...
"""
import concurrent.futures
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

from house import finish, headers_of, hidden_headers_of, rooms_of

# Held apart whatever the table says: the vault sees no learner's mathematics, and learners not each other.
APART = [("privacy", "nn"), ("cluster", "generator")]


def flags_of(build_root, library):
    """The compiler and the flags of one source of the library."""
    objects = os.path.relpath(library, build_root) + ".p/"
    for entry in json.loads(pathlib.Path(build_root, "compile_commands.json").read_text()):
        words = shlex.split(entry["command"])
        if "-o" in words and words[words.index("-o") + 1].startswith(objects):
            kept = []
            skip = False
            for word in words:
                if skip or word in ("-c", "-MD", entry["file"]):
                    skip = False
                elif word in ("-o", "-MQ", "-MF"):
                    skip = True
                else:
                    kept.append(word)
            return kept, entry["directory"]
    sys.exit(f"{library}: not in compile_commands.json")


def compiles(flags, directory, folder, number, header):
    source = pathlib.Path(folder, f"{number}.c")
    source.write_text(f'#include "{header.name}"\nextern int not_empty;\n')
    command = [*flags, "-Werror", "-fdiagnostics-color=never", "-fsyntax-only", str(source)]
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
    messages = f"{header.name}: No such file", f"'{header.name}' file not found"
    not_found = any(message in done.stderr for message in messages)
    return done.returncode == 0, not_found, done.stderr


def check_table(rooms):
    faults = []
    seen = set()
    for room in rooms.values():
        faults += [f"{room.name} includes {other}, which does not stand above it in the table"
                   for other in room.below if other not in seen]
        seen.add(room.name)
    for pair in APART:
        for one, other in (pair, pair[::-1]):
            if other in rooms[one].below:
                faults.append(f"{one} may include {other}: these two are held apart")
    return faults


def is_inner(header, reader, rooms):
    """Whether the header includes one of a room that the reader may not include."""
    included = re.findall(r'^#include "([a-z0-9]+)_', header.read_text(), re.MULTILINE)
    return any(name in rooms and name != reader.name and name not in reader.below for name in included)


def cases(source_root, rooms):
    """(room, header, whether it is legal) for every ordered pair of rooms, and each room with itself."""
    for room in rooms.values():
        for other in rooms:
            legal = other == room.name or other in room.below
            for header in headers_of(source_root, other):
                if other == room.name or not legal or not is_inner(header, room, rooms):
                    yield room, header, legal
            for header in hidden_headers_of(source_root, other):
                yield room, header, other == room.name


def check_room_headers(source_root, rooms):
    """Every room but the topmost shows something; only the vault has a door; names carry the room."""
    faults = []
    for name in rooms:
        shown = headers_of(source_root, name)
        if not shown and name != "api":
            faults.append(f"lib/{name} has no header")
        folders = [path.name for path in pathlib.Path(source_root, "lib", name).iterdir() if path.is_dir()]
        if folders != (["door"] if name == "privacy" else []):
            faults.append(f"lib/{name} has folders: {folders}")
        for header in [*shown, *hidden_headers_of(source_root, name)]:
            if not header.name.startswith(f"{name}_") and header.name != f"{name}.h":
                faults.append(f"{header}: the name of a header starts with its room")
    folders = {path.name for path in pathlib.Path(source_root, "lib").iterdir() if path.is_dir()}
    return faults + [f"lib/{name} is not in the table" for name in sorted(folders - set(rooms))]


def main():
    source_root, build_root, *rows = sys.argv[1:]
    rooms = rooms_of(rows)
    faults = check_table(rooms) + check_room_headers(source_root, rooms)
    flags = {name: flags_of(build_root, room.library) for name, room in rooms.items()}
    threads = concurrent.futures.ThreadPoolExecutor(os.cpu_count())
    with tempfile.TemporaryDirectory() as folder, threads as pool:
        work = [(room, header, legal,
                 pool.submit(compiles, *flags[room.name], folder, number, header))
                for number, (room, header, legal) in enumerate(cases(source_root, rooms))]
        for room, header, legal, result in work:
            compiled, not_found, errors = result.result()
            if legal and not compiled:
                faults.append(f"{room.name}: {header} is legal but does not compile:\n{errors}")
            elif not legal and compiled:
                faults.append(f"{room.name}: {header} is illegal but compiles")
            elif not legal and not not_found:
                faults.append(f"{room.name}: {header} is illegal, and fails for another reason:\n{errors}")
    finish(faults, len(work))


main()
