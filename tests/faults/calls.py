# SPDX-License-Identifier: BSD-3-Clause
"""Writes C that can make any public call from an array of values, with what the headers say of each argument.

    calls.py SOURCE_ROOT OUTPUT
"""
import pathlib
import re
import sys

sys.dont_write_bytecode = True
root, output = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
sys.path.insert(0, str(root / "tests/bindings"))
import table  # noqa: E402

NUMBERS = {"int": ("CALL_INT", "i"), "int64_t": ("CALL_INT64", "l"), "uint64_t": ("CALL_UINT64", "u"),
           "size_t": ("CALL_SIZE", "z"), "double": ("CALL_DOUBLE", "d"), "void": ("CALL_VOID", "")}


def kind_of(kind):
    """(CALL_*, member of the union that holds it)"""
    if kind in NUMBERS:
        return NUMBERS[kind]
    if kind.endswith("_fn"):
        return "CALL_FUNCTION", "f"
    if re.fullmatch(r"dpmix_\w+ \*\*", kind):
        return "CALL_NEW_HANDLE", "p"
    if re.fullmatch(r"(const )?dpmix_\w+ \*", kind):
        return ("CALL_CONST_HANDLE" if kind.startswith("const") else "CALL_HANDLE"), "p"
    return ("CALL_IN" if kind.startswith("const") else "CALL_OUT"), "c" if kind == "const char *" else "p"


def arguments_of(declaration):
    inner = declaration[declaration.index("(") + 1:declaration.rindex(")")]
    for argument in [] if inner == "void" else inner.split(","):
        kind, name = re.fullmatch(r"\s*(.*?)(\w+)\s*", argument).groups()
        yield kind.strip(), name


def call_of(name, declaration):
    arguments = list(arguments_of(declaration))
    result = declaration.split(name)[0].replace("DPMIX_CHECK", "").strip()
    kind, member = kind_of(result)
    given = ", ".join(f"({kind})a[{i}].{kind_of(kind)[1]}" for i, (kind, _) in enumerate(arguments))
    call = f"{name}({given})"
    body = f"return (union call_value){{.{member} = {call}}};"
    if not member:
        body = f"{call};\n    return (union call_value){{0}};"
    head = f"static union call_value make_{name}(const union call_value *a)"
    made = f"{head}\n{{\n    (void)a;\n    {body}\n}}\n"
    kind = "CALL_STATUS" if "DPMIX_CHECK" in declaration else "CALL_IN" if member == "c" else kind
    params = ", ".join(f'{{"{n}", "{k}", {kind_of(k)[0]}}}' for k, n in arguments) or '{"", "", CALL_VOID}'
    return made, f'    {{"{name}", {kind}, {len(arguments)}, {{{params}}}, make_{name}}},\n'


functions = table.read(root)[0]
pairs = [call_of(name, declaration) for name, declaration in functions.items()]
mapped = "".join(f'    "{name}",\n' for name in sorted(table.exported(root)))
output.write_text("/* Written by calls.py. */\n" + "".join(made for made, _ in pairs)
                  + "const struct call calls[] = {\n" + "".join(row for _, row in pairs)
                  + f"}};\nconst size_t n_calls = {len(pairs)};\n"
                  + f"static const char *const mapped[] = {{\n{mapped}}};\n")
