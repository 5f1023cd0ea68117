# SPDX-License-Identifier: BSD-3-Clause
"""The Python package's table of the C interface is what the public headers declare, and what the library exports;
the C++ wrapper calls all of it.

    table.py SOURCE_ROOT            compares; every difference is a fault
    table.py SOURCE_ROOT --update   writes the table anew
"""
import pathlib
import re
import sys

TABLE = "bindings/python/dpmix/_table.py"
START = '''# SPDX-License-Identifier: BSD-3-Clause
"""The C interface, as the headers in include/dpmix declare it.

tests/bindings/table.py writes this file and compares it with the headers; change those and run it.
"""
'''


def without_comments(text):
    return re.sub(r"/\*.*?\*/|//[^\n]*", " ", text, flags=re.S)


def functions_of(text):
    """Declarations without DPMIX_API, one a line. DPMIX_CHECK stays: it marks what returns a status."""
    for match in re.finditer(r"\bDPMIX_API\b([^;{}]*?)\s*;", without_comments(text)):
        line = " ".join(match[1].split())
        yield re.search(r"(\w+)\(", line)[1], line


def callbacks_of(text):
    for match in re.finditer(r"\btypedef\s+([^;{}]*\(\s*\*\s*(\w+)\s*\)[^;{}]*);", without_comments(text)):
        yield match[2], " ".join(match[1].split())


def constants_of(text):
    for name, value in re.findall(r"^[ \t]*#[ \t]*define[ \t]+(DPMIX_\w+)[ \t]+(\S.*?)[ \t]*$",
                                  without_comments(text), flags=re.M):
        number = re.fullmatch(r"(-?)((?:0x)?[0-9a-fA-F]+)[uUlL]*", re.sub(r"U?INT\d+_C|[()]", "", value))
        if number:
            yield name, number[1] + str(int(number[2], 0))
        elif value == "SIZE_MAX":
            yield name, "SIZE_MAX"


def option_values_of(text):
    """The groups of constants below a comment "Values of DPMIX_OPTION_X ..."."""
    pattern = r"/\*+\s*Values of (DPMIX_OPTION_[^:.*]*)[:.].*?\*/((?:\s*#define[^\n]*(?:\n(?!#|\n)[^\n]*)*)+)"
    for match in re.finditer(pattern, text, flags=re.S):
        names = [name for name, _ in constants_of(match[2])]
        prefix = names[0][:names[0].rindex("_") + 1]
        while not all(name.startswith(prefix) for name in names):
            prefix = prefix[:prefix.rindex("_", 0, -1) + 1]
        for option in re.findall(r"DPMIX_OPTION_(\w+)", match[1]):
            yield option.lower(), [(name[len(prefix):].lower().replace("_", "-"), name) for name in names]


def read(root):
    """(functions, callbacks, constants, values of options) of all headers, each in the order of the names."""
    texts = [path.read_text() for path in sorted((root / "include/dpmix").glob("*.h"))]
    return [dict(sorted(pair for text in texts for pair in reader(text)))
            for reader in (functions_of, callbacks_of, constants_of, option_values_of)]


def table_of(root):
    functions, callbacks, constants, values = read(root)
    lines = [START, "import ctypes", "from typing import Dict", "",
             "SIZE_MAX = 2 ** (8 * ctypes.sizeof(ctypes.c_size_t)) - 1", "",
             "# DPMIX_CHECK: it returns a status.", 'FUNCTIONS = """\\', *functions.values(), '"""', "",
             'CALLBACKS = """\\', *callbacks.values(), '"""', "",
             "CONSTANTS: Dict[str, int] = {"]
    lines += [f'    "{name}": {value},' for name, value in constants.items()]
    lines += ["}", "", "# The values of options that choose among methods.",
              "OPTION_VALUES: Dict[str, Dict[str, int]] = {"]
    for option, pairs in values.items():
        inner = ", ".join(f'"{word}": {constants[name]}' for word, name in pairs)
        lines.append(f'    "{option}": {{{inner}}},')
    return "\n".join([*lines, "}", ""])


def exported(root):
    listed = (root / "lib/dpmix.map").read_text()
    return set(re.findall(r"^\s+(dpmix_\w+);", listed, flags=re.M))


def compare(root):
    functions, _, constants, values = read(root)
    wanted, found = table_of(root).splitlines(), (root / TABLE).read_text().splitlines()
    faults = [f"{TABLE}: not in the headers: {line}" for line in found if line not in wanted]
    faults += [f"{TABLE}: missing: {line}" for line in wanted if line not in found]
    if not faults and wanted != found:
        faults.append(f"{TABLE}: the order differs")
    faults += [f"{name}: declared but not in lib/dpmix.map" for name in functions if name not in exported(root)]
    faults += [f"{name}: in lib/dpmix.map but not declared" for name in exported(root) - set(functions)]
    wrapped = set(re.findall(r"\bdpmix_\w+", "".join(
        path.read_text() for path in sorted((root / "include/dpmix").glob("*.hpp")))))
    faults += [f"{name}: the C++ wrapper does not call it" for name in functions if name not in wrapped]
    if len(functions) < 50 or len(constants) < 50 or len(values) < 5:
        faults.append("the headers were not understood: too few functions, constants or values were found")
    return faults, len(functions) + len(constants)


def main():
    root = pathlib.Path(sys.argv[1])
    if sys.argv[2:] == ["--update"]:
        (root / TABLE).write_text(table_of(root))
    faults, checked = compare(root)
    for fault in faults:
        print(fault)
    print(f"{checked} checked, {len(faults)} faults")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
