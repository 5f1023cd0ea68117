# SPDX-License-Identifier: BSD-3-Clause
"""Keyword options, from the library's own table."""
from __future__ import annotations

import ctypes
import difflib
from typing import Any, Dict, List, NamedTuple, Union

from ._library import Handle, library, make
from ._table import OPTION_VALUES



class Option(NamedTuple):
    """One tuning number. `values` names what a choice among methods may be."""

    name: str
    type: type
    lower: float
    upper: float
    default: Union[int, float]
    doc: str
    values: Dict[str, int]


def _values_of(name: str, low: float, high: float) -> Dict[str, int]:
    """What an option chooses among; "cgan_optimizer" has those values of "optimizer" that its bounds allow."""
    values = OPTION_VALUES.get(name) or OPTION_VALUES.get(name.rsplit("_", 1)[-1], {})
    return {word: value for word, value in values.items() if low <= value <= high}


def options() -> Dict[str, Option]:
    """All options of the library that is loaded, by name: type, bounds (both allowed), default and meaning."""
    found: Dict[str, Option] = {}
    key = library.dpmix_option_next(0)
    while key:
        bounds = [ctypes.c_double() for _ in range(3)]
        library.dpmix_option_bounds(key, *[ctypes.byref(bound) for bound in bounds])
        name = library.dpmix_option_name(key).decode()
        kind = {1: int, 2: float}[library.dpmix_option_type(key)]
        low, high, preset = (kind(bound.value) if abs(bound.value) < 1e300 else bound.value for bound in bounds)
        found[name] = Option(name, kind, low, high, preset, library.dpmix_option_doc(key).decode(),
                             _values_of(name, low, high))
        key = library.dpmix_option_next(key)
    return found


def _number(option: Option, value: Any) -> Union[int, float]:
    """Words become the numbers that they name; whole numbers stay whole."""
    if isinstance(value, str):
        word = value.lower().replace("_", "-")
        if word not in option.values:
            known = ", ".join(repr(word) for word in option.values)
            raise ValueError(f"{option.name}: {value!r} is not one of {known}" if known
                             else f"{option.name}: a number is needed, not {value!r}")
        return option.values[word]
    try:
        plain: Union[int, float] = option.type(value)
    except (TypeError, ValueError, OverflowError):
        raise TypeError(f"{option.name}: {option.type.__name__} is needed, not {type(value).__name__}") from None
    if option.type is int and plain != value:  # fractions and the like are real numbers up to rounding
        raise TypeError(f"{option.name}: a whole number is needed, not {value!r}")
    return plain


class Options(Handle):
    """Tuning numbers, as keywords. Every constructor that takes options makes one of these itself."""

    _noun = "options"

    def __init__(self, **values: Any) -> None:
        super().__init__(None)
        table = options()
        self._set: Dict[str, Any] = {}
        unknown: List[str] = [name for name in values if name not in table]
        if unknown:
            near = difflib.get_close_matches(unknown[0], table, n=3)
            hint = " or ".join(repr(name) for name in near)
            raise TypeError(f"there is no option {unknown[0]!r}"
                            + (f"; did you mean {hint}?" if hint else "; dpmix.options() lists them"))
        self._pointer = make("dpmix_options_new")
        for name, value in values.items():
            plain = _number(table[name], value)
            key = library.dpmix_option_by_name(name.encode())
            if table[name].type is int:
                if not -2 ** 63 <= plain < 2 ** 63:
                    raise OverflowError(f"{name}: {value} does not fit 64 bits")
                library.dpmix_options_set_int(self, key, plain)
            else:
                library.dpmix_options_set_double(self, key, plain)
            self._set[name] = value

    def __getitem__(self, name: str) -> Union[int, float]:
        key = library.dpmix_option_by_name(name.encode())
        if not key:
            raise KeyError(name)
        if library.dpmix_option_type(key) == 1:
            whole = ctypes.c_int64()
            library.dpmix_options_get_int(self, ctypes.byref(whole), key)
            return whole.value
        real = ctypes.c_double()
        library.dpmix_options_get_double(self, ctypes.byref(real), key)
        return real.value

    def __repr__(self) -> str:
        return f"dpmix.Options({shown(self._set)})"


def shown(values: Dict[str, Any]) -> str:
    """Options as they are written in a call."""
    return ", ".join(f"{name}={value!r}" for name, value in values.items())
