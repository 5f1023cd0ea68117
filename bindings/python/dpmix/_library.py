# SPDX-License-Identifier: BSD-3-Clause
"""Finds and loads libdpmix, and makes its functions callable as the table of declarations says.

A function that returns a status raises the status's exception. Handles are passed as Handle objects: one that
is declared const may be in several calls at once, any other in one alone, as dpmix/accountant.h demands; a
second thread gets StateError instead of broken memory.
"""
from __future__ import annotations

import ctypes
import operator
import os
import pathlib
import re
import threading
from typing import Any, Dict, List, Optional, Tuple

from ._errors import StateError, UnsupportedError, error_of
from ._table import CALLBACKS, CONSTANTS, FUNCTIONS

SONAME = "libdpmix.so.1"

NUMBERS: Dict[str, Any] = {
    "int": ctypes.c_int,
    "double": ctypes.c_double,
    "float": ctypes.c_float,
    "int32_t": ctypes.c_int32,
    "int64_t": ctypes.c_int64,
    "uint8_t": ctypes.c_uint8,
    "uint64_t": ctypes.c_uint64,
    "size_t": ctypes.c_size_t,
}


class Block:
    """Memory of a C array: where it is, of what type its elements are, and who keeps it alive."""

    __slots__ = ("address", "kind", "count", "owner")

    def __init__(self, address: int, kind: str, count: int, owner: object) -> None:
        self.address = address
        self.kind = kind
        self.count = count
        self.owner = owner


class Handle:
    """A handle of the library. Use it in a `with` statement, call close(), or leave it to the garbage collector."""

    _noun = ""

    def __init__(self, pointer: Optional[int]) -> None:
        self._pointer = pointer
        self._calls = 0  # -1: one that needs the handle for itself
        self._guard = threading.Lock()
        self._keep: Tuple[object, ...] = ()  # memory of the caller that the handle reads

    def _enter(self, alone: bool) -> Optional[int]:
        with self._guard:
            if self._pointer is None:
                raise ValueError(f"this {type(self).__name__} is closed")
            if self._calls < 0 or (alone and self._calls):
                raise StateError(f"this {type(self).__name__} is in use by another call")
            self._calls = -1 if alone else self._calls + 1
            return self._pointer

    def _leave(self) -> None:
        with self._guard:
            self._calls = 0 if self._calls < 0 else self._calls - 1

    def close(self) -> None:
        """Gives the handle back to the library. A second time is fine."""
        if self._pointer is not None:
            getattr(library, f"dpmix_{self._noun}_free")(self)
            self._keep = ()

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        if getattr(self, "_pointer", None) is not None and library is not None:
            self.close()

    def __reduce__(self) -> Any:
        raise TypeError(f"a {type(self).__name__} cannot be pickled; save() and load() where there are such")


class _Whole:
    """A whole number. ctypes alone would cut off what does not fit."""

    def __init__(self, kind: str) -> None:
        self.ctype = NUMBERS[kind]
        bits = 8 * ctypes.sizeof(self.ctype)
        signed = self.ctype(-1).value < 0
        self.low = -2 ** (bits - 1) if signed else 0
        self.high = 2 ** (bits - signed) - 1

    def convert(self, value: Any) -> int:
        plain = operator.index(value)
        if not self.low <= plain <= self.high:
            raise OverflowError(f"a number from {self.low} to {self.high} is needed")
        return plain


class _Real:
    """A real number."""

    def __init__(self, kind: str) -> None:
        self.ctype = NUMBERS[kind]

    def convert(self, value: Any) -> float:
        if isinstance(value, (str, bytes)):
            raise TypeError(f"a number is needed, not {type(value).__name__}")
        return float(value)


class _Array:
    """`T *`: NULL, a Block of that T, or a ctypes reference."""

    ctype = ctypes.c_void_p

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def convert(self, value: Any) -> Any:
        if isinstance(value, Block):
            if value.kind != self.kind:
                raise TypeError(f"an array of {self.kind} is needed, not of {value.kind}")
            return value.address
        if value is None or type(value).__name__ == "CArgObject" or isinstance(value, ctypes.Array):
            return value
        raise TypeError(f"{type(value).__name__} is no array of {self.kind}")


class _HandleArgument:
    """`dpmix_noun *`."""

    ctype = ctypes.c_void_p

    def __init__(self, noun: str, alone: bool) -> None:
        self.noun = noun
        self.alone = alone


class _Plain:
    """What ctypes checks well enough."""

    def __init__(self, ctype: Any) -> None:
        self.ctype = ctype

    def convert(self, value: Any) -> Any:
        return value


def _converted(name: str, kind: Any, value: Any) -> Any:
    """The value for C; what cannot be converted is told with the argument's name."""
    try:
        return kind.convert(value)
    except (TypeError, OverflowError) as error:
        raise type(error)(f"{name}: {error}") from None


def _split(declaration: str) -> Tuple[str, List[str]]:
    head, arguments = declaration.split("(", 1)
    listed = [argument.strip() for argument in arguments.rsplit(")", 1)[0].split(",")]
    return head, [] if listed == ["void"] else listed


def _argument_type(argument: str) -> Any:
    plain = re.sub(r"\bconst\b ?", "", argument)
    kind = re.sub(r"\w+$", "", plain).strip()
    if kind in NUMBERS:
        return _Real(kind) if kind in ("float", "double") else _Whole(kind)
    if kind in _callbacks:
        return _Plain(_callbacks[kind])
    if kind == "char *":
        return _Plain(ctypes.c_char_p)
    base = kind.rstrip("* ")
    if base in NUMBERS and kind == base + " *":
        return _Array(base)
    if base.startswith("dpmix_") and kind == base + " *":
        # Debits of several fits may come from one accountant at the same time.
        alone = not argument.startswith("const ") and base != "dpmix_accountant"
        return _HandleArgument(base[len("dpmix_"):], alone)
    if kind.endswith("*"):
        return _Plain(ctypes.c_void_p)
    raise TypeError(f"no type for {argument!r}")


def _callback_type(declaration: str) -> Any:
    arguments = declaration.split(")", 1)[1].strip("()").split(",")
    kinds = [re.sub(r"\w+$", "", argument).strip() for argument in arguments]
    return ctypes.CFUNCTYPE(ctypes.c_int, *[NUMBERS.get(kind, ctypes.c_void_p) for kind in kinds])


_callbacks: Dict[str, Any] = {re.search(r"\*\s*(\w+)\)", line)[1]: _callback_type(line)  # type: ignore[index]
                              for line in CALLBACKS.splitlines()}
Progress, Record = _callbacks["dpmix_progress_fn"], _callbacks["dpmix_record_fn"]


class Function:
    """One function of the library."""

    def __init__(self, loaded: ctypes.CDLL, name: str, declaration: str) -> None:
        head, arguments = _split(declaration)
        self.name = name
        self.checked = head.startswith("DPMIX_CHECK ")
        self.frees = name.endswith("_free")
        self.types = [_argument_type(argument) for argument in arguments]
        self.names = [argument.rsplit(" ", 1)[-1].lstrip("*") for argument in arguments]
        self.function = getattr(loaded, name)
        self.function.argtypes = [kind.ctype for kind in self.types]
        result = re.sub(r"^DPMIX_CHECK | ?\w+$", "", head).replace("const ", "").strip()
        self.function.restype = {"void": None, "char *": ctypes.c_char_p, **NUMBERS}[result]

    def __call__(self, *arguments: Any) -> Any:
        if len(arguments) != len(self.types):
            raise TypeError(f"{self.name} takes {len(self.types)} arguments")
        held: List[Handle] = []
        try:
            plain: List[Any] = []
            for name, kind, argument in zip(self.names, self.types, arguments):
                if not isinstance(kind, _HandleArgument):
                    plain.append(_converted(name, kind, argument))
                elif argument is None:
                    plain.append(None)
                else:
                    if not isinstance(argument, Handle) or argument._noun != kind.noun:
                        raise TypeError(f"{name}: a dpmix.{kind.noun.title()} is needed, "
                                        f"not {type(argument).__name__}")
                    plain.append(argument._enter(kind.alone or self.frees))
                    held.append(argument)
            for freed in held if self.frees else []:  # nobody enters it again, not even if Ctrl-C ends this call
                freed._pointer = None
            result = self.function(*plain)
            if self.checked and result != 0:
                raise error_of(result, library.dpmix_last_error().decode("utf-8", "replace"))
            return result
        finally:
            for handle in held:
                handle._leave()


class Library:
    """The loaded library; its functions are attributes."""

    def __init__(self, loaded: ctypes.CDLL, path: str) -> None:
        self.path = path
        self._loaded = loaded
        self._declarations = {re.search(r"(\w+)\(", line)[1]: line  # type: ignore[index]
                              for line in FUNCTIONS.splitlines()}

    def __getattr__(self, name: str) -> Function:
        try:
            function = Function(self._loaded, name, self.__dict__["_declarations"][name])
        except KeyError:
            raise AttributeError(name) from None
        except AttributeError:  # an installed library that is older than this package
            raise UnsupportedError(f"{self.path} has no {name}: it is an older version") from None
        setattr(self, name, function)
        return function

    def functions(self) -> List[str]:
        return sorted(self._declarations)


def _load() -> Library:
    """DPMIX_LIBRARY where it is set; else the one in the package; else the installed one."""
    chosen = os.environ.get("DPMIX_LIBRARY")
    bundled = pathlib.Path(__file__).with_name(SONAME)
    path = chosen or (str(bundled) if bundled.exists() else SONAME)
    try:
        return Library(ctypes.CDLL(path), path)
    except OSError as error:
        raise ImportError(f"cannot load libdpmix: {error}. Install it, with the libraries that it stands on "
                          "(BLIS, LAPACKE, libsodium, zlib, SQLite), or let the environment variable "
                          "DPMIX_LIBRARY name its file.") from error


library = _load()


def make(constructor: str, *arguments: Any) -> Optional[int]:
    """Calls a constructor, whose first argument is `dpmix_x **out`; its handle."""
    out = ctypes.c_void_p()
    getattr(library, constructor)(ctypes.byref(out), *arguments)
    return out.value


def number(function: str, kind: str, at: int, *arguments: Any) -> Any:
    """Calls a function with one number as output, which is argument `at`; the number."""
    out = NUMBERS[kind]()
    getattr(library, function)(*arguments[:at], ctypes.byref(out), *arguments[at:])
    return out.value


def text(function: str, handle: Handle) -> str:
    """Calls a function that gives a text in two steps, its length and the text; another thread's debit may
    make it longer in between."""
    length = ctypes.c_size_t()
    getattr(library, function)(handle, None, 0, ctypes.byref(length))
    while True:
        room = ctypes.create_string_buffer(length.value + 1)
        before = length.value
        try:
            getattr(library, function)(handle, room, len(room), ctypes.byref(length))
        except ValueError:
            getattr(library, function)(handle, None, 0, ctypes.byref(length))
            if length.value <= before:
                raise
        else:
            return room.value.decode("utf-8")


def words_of(family: str) -> Dict[str, int]:
    """The constants DPMIX_<family>_* by their lower-case words: {"add-remove": 1, ...}."""
    prefix = f"DPMIX_{family}_"
    return {name[len(prefix):].lower().replace("_", "-"): value
            for name, value in CONSTANTS.items() if name.startswith(prefix)}


def code_of(family: str, word: str) -> int:
    """The number of a word such as "add-remove"; "add_remove" will do."""
    words = words_of(family)
    if not isinstance(word, str) or word.lower().replace("_", "-") not in words:
        listed = ", ".join(repr(known) for known in sorted(words, key=lambda known: words[known]))
        raise ValueError(f"{family.lower()}: {word!r} is not one of {listed}")
    return words[word.lower().replace("_", "-")]


def word_of(family: str, code: int) -> str:
    """The word of a number; the number itself where this package does not know it."""
    return next((word for word, value in words_of(family).items() if value == code), str(code))


def utf8(value: str) -> bytes:
    """A text as C has it, which ends at a null character."""
    if not isinstance(value, str):
        raise TypeError(f"a text is needed, not {type(value).__name__}")
    try:
        encoded = value.encode()
    except UnicodeEncodeError:  # which tells what it found
        raise ValueError("a text cannot hold a surrogate alone") from None
    if b"\0" in encoded:
        raise ValueError("a text cannot hold a null character")
    return encoded


def path_bytes(path: Any) -> bytes:
    """A path (str, bytes, os.PathLike) as the file system has it."""
    encoded = os.fsencode(path)
    if b"\0" in encoded:
        raise ValueError("a path cannot hold a null character")
    return encoded
