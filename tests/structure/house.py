# SPDX-License-Identifier: BSD-3-Clause
"""What the structure tests share: the table of rooms as the build gives it, sources without comments."""
import pathlib
import re
import sys


class Room:
    """A row of the table in lib/meson.build: name=library=rooms that it may include."""

    def __init__(self, row):
        self.name, self.library, below = row.split("=")
        self.below = below.split(",") if below else []


def rooms_of(rows):
    return {room.name: room for room in map(Room, rows)}


def headers_of(source_root, room):
    """What the room shows to others: its door where it has one, else its folder."""
    folder = pathlib.Path(source_root, "lib", room)
    door = folder / "door"
    return sorted((door if door.is_dir() else folder).glob("*.h"))


def hidden_headers_of(source_root, room):
    folder = pathlib.Path(source_root, "lib", room)
    return sorted(folder.glob("*.h")) if (folder / "door").is_dir() else []


def without_comments(text, strings=True):
    """Comments become blanks, line by line; with strings=False what literals hold, too."""

    def blank(match):
        token = match.group(0)
        if token.startswith("/"):
            return re.sub(r"[^\n]", " ", token)
        return token if strings else token[0] + " " * (len(token) - 2) + token[-1]

    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', blank, text, flags=re.S)


def finish(faults, checked):
    """Ends the test. One that looked at nothing has failed."""
    for fault in faults:
        print(fault)
    if not checked:
        faults = ["nothing was checked"]
        print(faults[0])
    print(f"{checked} checked, {len(faults)} faults")
    sys.exit(1 if faults else 0)
