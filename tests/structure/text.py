# SPDX-License-Identifier: BSD-3-Clause
"""What the compiler cannot see: rules over the text of the sources. Usage: text.py SOURCE_ROOT

Each rule comes with an example that breaks it, and is tried on the example before it is trusted.
"""
import pathlib
import re
import sys

from house import finish, without_comments

# Headers of others, and the rooms that may include them.
OTHERS = {
    r"sodium(/.*)?\.h|sodium/.*": {"random"},
    r"(blis|cblas|lapacke?|openblas|mkl).*": {"linalg"},
    r"zlib\.h": {"base", "load"},
    r"sqlite3(ext)?\.h": {"account"},
    r"jansson.*": {"table"},
    r"pthread\.h|threads\.h|semaphore\.h": {"base"},
}
# The library's own public headers, for their constants: nobody inside calls their functions (symbols.py).
PUBLIC = {"status", "options", "accountant", "clusterer", "generator", "schema", "arrow", "memory"}
PUBLIC_API = PUBLIC | {"dpmix"}
SYSTEM = {
    "assert", "complex", "errno", "fcntl", "fenv", "float", "immintrin", "inttypes", "limits", "locale", "math",
    "stdarg", "stdatomic", "stddef", "stdint", "stdio", "stdlib", "string", "time", "unistd", "sys/mman",
    "sys/stat",
}
SPDX = "SPDX-License-Identifier: BSD-3-Clause"


def lines_with(pattern, text):
    for match in re.finditer(pattern, text, flags=re.M):
        yield text.count("\n", 0, match.start()) + 1, match


def includes(text):
    yield from lines_with(r"^[ \t]*#[ \t]*include\b[ \t]*(.*?)[ \t]*$", text)


def rule_quoted_path(place, text):
    for line, match in includes(text):
        if match[1].startswith('"') and ("/" in match[1] or ".." in match[1]):
            yield line, f"{match[1]}: a room's header is included by its bare name"


def rule_plain_include(place, text):
    for line, match in includes(text):
        if not re.fullmatch(r'"[^"]+"|<[^>]+>', match[1]):
            yield line, f"{match[1]}: an include that cannot be checked"


def rule_angle_include(place, text):
    for line, match in includes(text):
        if not match[1].startswith("<"):
            continue
        name = match[1].strip("<>")
        if name.startswith("dpmix/"):
            allowed = PUBLIC_API if place.parts[1] == "api" else PUBLIC
            if name[len("dpmix/"):].removesuffix(".h") not in allowed:
                yield line, f"<{name}>: not for this room"
            continue
        owners = [rooms for pattern, rooms in OTHERS.items() if re.fullmatch(pattern, name)]
        if owners and place.parts[1] not in owners[0]:
            yield line, f"<{name}>: only in {', '.join(sorted(owners[0]))}"
        elif not owners and name.removesuffix(".h") not in SYSTEM:
            yield line, f"<{name}>: unknown; add it to this test when it belongs to the room"


def rule_extern(place, text):
    """A header may announce constant data (a vtable); a declaration by hand may say what it likes."""
    announced = r"\bextern\b(?!\s+const\b[^;(]*;)" if place.suffix == ".h" else r"\bextern\b"
    for line, match in lines_with(announced, text):
        yield line, "extern: include the header that declares it"


def rule_raw_allocation(place, text):
    raw = r"\b(malloc|calloc|realloc|reallocarray|free|strdup|strndup|asprintf)\s*\("
    for line, match in lines_with(raw, text):
        yield line, f"{match[1]}: use dpm_alloc and dpm_free"


def rule_own_visibility(place, text):
    for line, match in lines_with(r"visibility\s*\(|\bDPMIX_API\b", text):
        yield line, "what is exported stands in the public headers"


# rule, does it see what strings hold, files that are exempt, room and text of sources that break it
RULES = [
    (rule_quoted_path, True, (), [
        ("base", '#include "../privacy/privacy_dataset.h"'),
        ("base", '# include "privacy/door/privacy.h"'),
    ]),
    (rule_plain_include, True, (), [("base", "#include HEADER")]),
    (rule_angle_include, True, (), [
        ("base", "#include <sodium.h>"),
        ("api", "#include <sodium/crypto_stream.h>"),
        ("nn", "#include <blis.h>"),
        ("nn", "#include <blis/blis.h>"),
        ("nn", "#include <lapacke.h>"),
        ("api", "#include <zlib.h>"),
        ("api", "#include <sqlite3.h>"),
        ("api", "#include <jansson.h>"),
        ("account", "#include <pthread.h>"),
        ("account", "#include <fftw3.h>"),
        ("account", "#include <account_ledger.h>"),
        ("mixture", "#include <dpmix/dpmix.h>"),
        ("mixture", "#include <dpmix/mixture.h>"),
    ]),
    (rule_extern, False, (), [
        ("nn", "extern int dpm_query(void);"),
        ("nn", "extern const int dpm_numbers[];"),
        ("nn.h", "extern int dpm_query(void);"),
        ("nn.h", "extern const int *dpm_query(void);"),
    ]),
    (rule_raw_allocation, False, ("lib/base/base_alloc.c",), [("nn", "p = malloc (8);"), ("nn", "free(p);")]),
    (rule_own_visibility, False, (), [
        ("nn", "DPMIX_API int f(void)\n{\n"),
        ("nn", '__attribute__((visibility("default")))'),
    ]),
]
# What no rule may object to.
HARMLESS = [
    ("base", '/* extern, malloc(1), <sodium.h> */\n#include "base_alloc.h"\n#include <zlib.h>\n'),
    ("base", "free_all(x);\n"),
    ("api", '#include <dpmix/dpmix.h>\ndpm_free(x); puts_("free(x) extern");\n'),
    ("nn", "#include <dpmix/options.h>\n#include <math.h>\n"),
    ("cluster.h", "extern const struct dpm_cluster_kind dpm_cluster_label;\n"),
]


def broken(rule, sees_strings, place, text):
    return list(rule(place, without_comments(text, strings=sees_strings)))


def example_of(room):
    """"nn" is a source of that room, "nn.h" a header."""
    room, _, header = room.partition(".")
    return pathlib.PurePath("lib", room, "example.h" if header else "example.c")


def check_rules():
    for rule, sees_strings, _, examples in RULES:
        for room, text in examples:
            if not broken(rule, sees_strings, example_of(room), text):
                yield f"{rule.__name__} does not catch: {text}"
        for room, text in HARMLESS:
            for _, message in broken(rule, sees_strings, example_of(room), text):
                yield f"{rule.__name__} rejects what is fine: {message}"


def check_rooms(root):
    checked, faults = 0, []
    for path in sorted(path for end in ("*.c", "*.h") for path in (root / "lib").rglob(end)):
        place = path.relative_to(root)
        text = path.read_text()
        checked += 1
        for rule, sees_strings, exempt, _ in RULES:
            if place.as_posix() not in exempt:
                faults += [f"{place}:{line}: {message}"
                           for line, message in broken(rule, sees_strings, place, text)]
    return checked, faults


def is_source(path):
    return path.suffix in (".c", ".cpp", ".h", ".hpp", ".py", ".sh", ".map", ".build") or path.name == "meson_options.txt"


def check_licence(root):
    """On the first line, or the second where the first names an interpreter."""
    checked, faults = 0, []
    for top in sorted(root.iterdir()):
        if top.name.startswith("build") or top.name == ".git":
            continue
        for path in [top] if top.is_file() else sorted(top.rglob("*")):
            if path.is_file() and (is_source(path) or path.relative_to(root).as_posix() == ".ci/run"):
                checked += 1
                first, *rest = path.read_text().split("\n", 2)
                if SPDX not in (rest[0] if first.startswith("#!") and rest else first):
                    faults.append(f"{path.relative_to(root)}: the licence line is missing")
    return checked, faults


def main():
    root = pathlib.Path(sys.argv[1])
    faults = list(check_rules())
    rooms_checked, more = check_rooms(root)
    faults += more
    licences_checked, more = check_licence(root)
    finish(faults + more, min(rooms_checked, licences_checked) and rooms_checked + licences_checked)


main()
