# SPDX-License-Identifier: BSD-3-Clause
"""What the rooms really call, hold and export, from their object code: declarations in the text can lie.

Usage: symbols.py SOURCE_ROOT SHARED_LIBRARY ROW...
"""
import pathlib
import re
import subprocess
import sys

from house import finish, headers_of, rooms_of, without_comments

# Functions of others, and the rooms that may call them; nobody may where the set is empty.
FOREIGN = [
    (r"sodium_\w+|crypto_\w+|randombytes\w*", {"random"}),
    (r"bli_\w+|cblas_\w+|LAPACKE?_\w+|[sd](gemm|gemv|syrk|trsm|syev\w*|potrf)_", {"linalg"}),
    (r"inflate\w*|deflate\w*|crc32\w*|adler32\w*|gz[a-z]+\d*|zlib\w+", {"base", "load"}),
    (r"sqlite3_\w+", {"account"}),
    (r"json_\w+|jansson_\w+", {"table"}),
    (r"pthread_\w+|thrd_\w+|mtx_\w+|call_once", {"base"}),
    (r"malloc|calloc|realloc|reallocarray|aligned_alloc|posix_memalign|memalign|free|strn?dup|v?asprintf|"
     r"getline|open_memstream", {"base"}),
    (r"s?rand(om)?(_r)?|[dejlmn]rand48(_r)?|getrandom|getentropy|arc4random\w*", set()),
    (r"_?exit|_Exit|quick_exit|abort|v?printf|__v?printf_chk|puts|putchar|perror|stdout|stderr|syslog",
     set()),
    (r"system|popen|exec\w+|fork|dlopen|dlsym", set()),
]
# Data that stays writable for a reason that its declaration does not show: written once, under a dpm_once.
WRITABLE = {("random_stream.c", "sodium_status")}
# Declarations that may be written to: per thread, atomic, or set up once under a lock.
SHARED_SAFELY = r"_Thread_local|\batomic_|\b_Atomic\b|\bdpm_once\b|\bpthread_once_t\b|\bdpm_mutex\b"


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


class Library:
    """Global symbols of a room: what it defines and what it needs from elsewhere."""

    def __init__(self, path):
        self.defined, self.undefined = set(), set()
        for line in run("nm", "-g", "-P", path).splitlines():
            words = line.split()
            if len(words) < 2 or line.endswith(":"):
                continue
            (self.undefined if words[1] in "Uwv" else self.defined).add(words[0])
        self.needed = self.undefined - self.defined
        self.writable = set(writable_data(path))


def writable_data(path):
    """(object, name) of what lies in sections that can be written; not what is thread-local, nor tables of
    constant pointers."""
    section = r"\.data|\.bss|\.data\.(?!rel\.ro)\S+|\.bss\.\S+|\*COM\*"
    member = ""
    for line in run("objdump", "-t", path).splitlines():
        named = re.match(r"(.*):\s+file format", line)
        if named:
            member = pathlib.PurePath(named[1]).name
        symbol = re.match(rf"[0-9a-f]+ .{{7}} ({section})\t[0-9a-f]+ +(?:\.\w+ )?(\S+)$", line)
        if symbol and symbol[2] != symbol[1]:
            yield member, symbol[2].split(".")[0]


def shown_names(source_root, room):
    text = " ".join(without_comments(path.read_text()) for path in headers_of(source_root, room))
    return set(re.findall(r"\bdpm_\w+", text))


def check_calls(source_root, rooms, libraries):
    """Our functions come from rooms of the row and stand in their shown headers; others' only where they belong."""
    faults = []
    shown = {name: shown_names(source_root, name) for name in rooms}
    for room in rooms.values():
        for name in sorted(libraries[room.name].needed):
            if name.startswith("dpmix_"):
                faults.append(f"{room.name} calls the public function {name}")
            elif name.startswith("dpm_"):
                owners = [other for other in rooms if name in libraries[other].defined]
                if not owners:
                    faults.append(f"{room.name} needs {name}, which no room defines")
                elif owners[0] not in room.below:
                    faults.append(f"{room.name} calls {name} of {owners[0]}, which is not in its row")
                elif name not in shown[owners[0]]:
                    faults.append(f"{room.name} calls {name}, which {owners[0]} does not show")
            else:
                faults += [f"{room.name} uses {name}" for pattern, allowed in FOREIGN
                           if room.name not in allowed and re.fullmatch(pattern, name)]
    return faults


def check_definitions(libraries):
    """Names show the reach: dpmix_ in api alone, dpm_ elsewhere, and one owner each."""
    faults = []
    owner = {}
    for room, library in libraries.items():
        for name in sorted(library.defined):
            if name.startswith("dpmix_"):
                if room != "api":
                    faults.append(f"{room} defines the public {name}")
            elif not name.startswith("dpm_"):
                faults.append(f"{room} defines {name}: neither file-local nor dpm_")
            if name in owner:
                faults.append(f"{name} is defined by {owner[name]} and {room}")
            owner[name] = room
    return faults


def check_writable(source_root, libraries):
    """No state that is shared between callers, but what is safe to share."""
    faults = []
    for room, library in libraries.items():
        for member, name in sorted(library.writable):
            source = pathlib.Path(source_root, "lib", room, re.sub(rf"^{room}_|\.o$", "", member))
            text = without_comments(source.read_text(), strings=False)
            declared = re.findall(rf"^[^;{{}}()=]*\b{re.escape(name)}\b", text, flags=re.M)
            safe = any(re.search(SHARED_SAFELY, one) for one in declared)
            if not safe and (source.name, name) not in WRITABLE:
                faults.append(f"{source}: {name} can be written to by every caller")
    return faults


def exported_by(shared):
    """Name and node of what the shared library exports; the nodes themselves are absolute symbols."""
    exported = {}
    for line in run("nm", "-D", "--defined-only", "-P", shared).splitlines():
        name, kind = line.split()[:2]
        if kind != "A":
            exported[name.split("@")[0]] = name.split("@")[-1] if "@" in name else ""
    return exported


def mapped(source_root):
    text = without_comments(re.sub(r"#.*", "", pathlib.Path(source_root, "lib/dpmix.map").read_text()))
    names = {}
    for node, body in re.findall(r"(\w+)\s*\{(.*?)\}", text, flags=re.S):
        scope = ""
        for word in re.findall(r"global:|local:|[^\s;]+", body):
            if word.endswith(":"):
                scope = word
            elif scope == "global:":
                names[word] = node
    return names


def declared(source_root):
    """Functions of the public headers, with and without DPMIX_API."""
    public, hidden = set(), set()
    for header in sorted(pathlib.Path(source_root, "include/dpmix").glob("*.h")):
        text = without_comments(header.read_text(), strings=False)
        text = re.sub(r"^[ \t]*#(?:\\\n|[^\n])*", "", text, flags=re.M)
        for statement in text.split(";"):
            named = re.search(r"\b(dpmix_\w+)\s*\(", statement)
            if named and "typedef" not in statement:
                (public if re.search(r"\bDPMIX_API\b", statement) else hidden).add(named[1])
    return public, hidden


def check_exports(source_root, shared):
    exported, in_map = exported_by(shared), mapped(source_root)
    public, hidden = declared(source_root)
    faults = [f"{name} is declared without DPMIX_API" for name in sorted(hidden)]
    for what, names in (("exported", set(exported)), ("in lib/dpmix.map", set(in_map))):
        faults += [f"{name} is declared but not {what}" for name in sorted(public - names)]
        faults += [f"{name} is {what} but not declared" for name in sorted(names - public)]
    faults += [f"{name} is exported but not public by its name"
               for name in exported if not name.startswith("dpmix_")]
    faults += [f"{name} carries the version '{exported[name]}', the map says {in_map[name]}"
               for name in exported if name in in_map and exported[name] != in_map[name]]
    soname = re.search(r"SONAME.*\[(.*)\]", run("readelf", "-d", shared))
    if not soname or soname[1] != "libdpmix.so.1":
        faults.append(f"the soname is {soname and soname[1]}")
    return faults, len(exported)


def main():
    source_root, shared, *rows = sys.argv[1:]
    rooms = rooms_of(rows)
    libraries = {name: Library(room.library) for name, room in rooms.items()}
    faults = [f"{name}: an empty library" for name, library in libraries.items() if not library.defined]
    faults += check_calls(source_root, rooms, libraries) + check_definitions(libraries)
    faults += check_writable(source_root, libraries)
    more, exported = check_exports(source_root, shared)
    names = sum(len(library.defined | library.needed) for library in libraries.values())
    finish(faults + more, exported and names)


main()
