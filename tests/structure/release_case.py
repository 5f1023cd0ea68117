# SPDX-License-Identifier: BSD-3-Clause
"""The table that release_tool.py gives to dpmix-release, with canaries in its records, and runs of the program."""
import html.parser
import json
import pathlib
import re
import subprocess
import sys

ROWS = 1237  # told nowhere
QUOTED, LINES = 'Zürich, "old town"', "two\nlines"
CANARY = "canary4711"  # in no list of values, so it becomes the other city
INCOME = "31337.25"
SCHEMA = {"dpmix_schema": 1, "label": "pays", "columns": [
    {"name": "age", "kind": "integer", "lower": 0, "upper": 99},
    {"name": "town <&>", "kind": "categorical", "values": [QUOTED, LINES, "plain"], "other": "elsewhere",
     "outside": "other"},
    {"name": "income", "kind": "continuous", "lower": 1, "upper": 100000, "scale": "log", "nullable": True,
     "outside": "null"},
    {"name": "school", "kind": "ordinal", "values": ["none", "some", "much"]},
    {"name": "member", "kind": "boolean"},
    {"name": "born", "kind": "date", "lower": "1900-01-01", "upper": "2023-12-31"},
    {"name": "pays", "kind": "categorical", "values": ["", "yes"]},
    {"name": "person", "kind": "unit", "max_rows": 2}]}
NAMES = [column["name"] for column in SCHEMA["columns"]]


def make_records():
    """In the order of the schema; None is null."""
    records = []
    for i in range(ROWS):
        town = [QUOTED, LINES, "plain", CANARY][i % 4]
        income = None if i % 5 == 0 else INCOME if i % 5 == 1 else str(10 + i)
        records.append([str(i * 37 % 100), town, income, ["none", "some", "much"][i % 3],
                        "true" if i % 2 else "false", f"19{i % 90 + 10}-02-03", "" if i % 4 < 2 else "yes",
                        f"person{i // 2}"])
    return records


def field(text):
    """As RFC 4180 wants it; an empty text is quoted, null is not."""
    if text is None:
        return ""
    return '"' + text.replace('"', '""') + '"' if text == "" or re.search('[,"\r\n]', text) else text


def csv_text(records, names=None, end="\n"):
    rows = [names or NAMES] + records
    return "".join(",".join(map(field, row)) + end for row in rows).encode()


class Page(html.parser.HTMLParser):
    """Checks that tags close in order and that nothing is loaded; keeps what bars say."""

    VOID = {"meta", "line", "rect-less"}

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.faults, self.open, self.bars, self.words, self.heading = [], [], [], "", ""
        self.feed(text)
        self.close()
        if self.open:
            self.faults.append(f"not closed: {self.open}")

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if name in ("src", "href", "action", "data", "srcset", "xlink:href") or name.startswith("on"):
                self.faults.append(f"{tag} {name}={value}")
        if tag in ("script", "iframe", "object", "embed", "link", "img"):
            self.faults.append(f"a tag {tag}")
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        if tag != "line":
            self.faults.append(f"{tag} closes itself")

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"{tag} closes out of order")

    def handle_data(self, data):
        if self.open[-1:] == ["h3"]:
            self.heading = data if self.heading_is_new() else self.heading + data
            self.last_heading = self.getpos()
        if self.open[-2:] == ["rect", "title"]:
            self.bars.append((self.heading, data))
        self.words += data

    def heading_is_new(self):
        return getattr(self, "last_heading", None) != self.getpos()


class Case:
    """A folder with a table, and runs of the program in it."""

    def __init__(self, folder):
        self.folder, self.faults, self.checked = pathlib.Path(folder), [], 0
        self.schema = self.write("schema.json", json.dumps(SCHEMA).encode())
        self.csv = self.write("people.csv", csv_text(make_records()))
        self.number = 0

    def write(self, name, content):
        path = self.folder / name
        path.write_bytes(content)
        return path

    def fault(self, what, done=None):
        if done is not None:
            what += f": status {done.returncode}, {done.stdout[-300:]!r}, {done.stderr[-300:]!r}"
        self.faults.append(what)

    def fresh(self):
        """Names of an output and of a ledger that are not there."""
        self.number += 1
        return self.folder / f"out{self.number}", self.folder / f"ledger{self.number}"

    def arguments(self, output, ledger, *more, source=None, epsilon="50"):
        source = source or ["--csv", self.csv]
        terms = ["--epsilon", epsilon, "--delta", "1e-5", "--adjacency", "add-remove"]
        small = ["--generator", "gaussian", "--rows", "1000", "--records", "500"]
        return [str(x) for x in [sys.argv[1], *source, "--schema", self.schema, *terms, "--ledger", ledger,
                                 "--output", output, *small, *more]]

    def run(self, arguments, answer="", **others):
        self.checked += 1
        done = subprocess.run(arguments, input=answer, capture_output=True, text=True, check=False,
                              timeout=100, **others)
        self.look_for_canaries(" ".join(arguments[1:]), done.stdout + done.stderr)
        return done

    def look_for_canaries(self, what, text):
        for canary in (CANARY, INCOME, str(ROWS), "person1"):
            if canary in text:
                self.fault(f"{what}: tells {canary}")

    def leftovers(self, output):
        return [path.name for path in self.folder.iterdir() if path.name.startswith(output.name + ".")
                or path == output]

    def refused(self, what, arguments, output, *parts, status=1, answer="", warned=False):
        """One line that has the parts, behind a warning or not; nothing written."""
        done = self.run(arguments, answer)
        line = done.stderr.split("\n", 1)[1] if warned else done.stderr
        if done.returncode != status or line.count("\n") != 1 or not all(part in line for part in parts):
            self.fault(what, done)
        if self.leftovers(output):
            self.fault(f"{what}: leaves {self.leftovers(output)}")

    def spent(self, ledger):
        """What the ledger says, by a plan; all of it where a plan is refused."""
        done = self.run(self.arguments(self.folder / "none", ledger, "--plan"))
        found = re.search(r"(?:epsilon|,) ([\d.]+) is spent", done.stdout + done.stderr)
        if not found:
            self.fault("plan", done)
            return -1.0
        return float(found[1])
