# SPDX-License-Identifier: BSD-3-Clause
"""Privacy budgets."""
from __future__ import annotations

import ctypes
import json
from typing import Any, Dict, Iterable, List, Tuple

from ._calculator import Mechanisms, composition
from ._arrays import room
from ._library import Handle, code_of, library, make, number, path_bytes, text, utf8, word_of


class Accountant(Handle):
    """A privacy budget, and the ledger of all that was spent of it.

    `epsilon`, `delta` and `adjacency` ("add-remove", "replace-one", "zero-out") are the promise that is made;
    none of them has a default. `mode` is "planned", or "renyi" or "gaussian" when fits are chosen in the light
    of earlier releases. Every fit debits its whole plan before it reads a row, and nothing is given back.
    This one is kept in memory; Accountant.open() keeps it in a file.
    """

    _noun = "accountant"

    def __init__(self, epsilon: float, delta: float, adjacency: str, *, mode: str = "planned",
                 order: float = 0.0) -> None:
        super().__init__(None)
        terms = (epsilon, delta, code_of("ADJACENCY", adjacency))
        mode = word_of("MODE", code_of("MODE", mode))  # "Planned" is "planned", as "Renyi" is "renyi"
        if mode == "planned":
            if order:
                raise ValueError("order: a planned budget has none")
            self._pointer = make("dpmix_accountant_new", *terms)
        else:
            self._pointer = make("dpmix_accountant_new_adaptive", *terms, code_of("MODE", mode), order)

    @classmethod
    def open(cls, path: Any, dataset: str, epsilon: float, delta: float, adjacency: str, *,
             mode: str = "planned", order: float = 0.0) -> "Accountant":
        """The budget of the data set of that name in a ledger file, which is made where there is none."""
        terms = (path_bytes(path), utf8(dataset), epsilon, delta, code_of("ADJACENCY", adjacency))
        made = cls.__new__(cls)
        Handle.__init__(made, None)
        mode = word_of("MODE", code_of("MODE", mode))  # "Planned" is "planned", as "Renyi" is "renyi"
        if mode == "planned":
            if order:
                raise ValueError("order: a planned budget has none")
            made._pointer = make("dpmix_accountant_open", *terms)
        else:
            made._pointer = make("dpmix_accountant_open_adaptive", *terms, code_of("MODE", mode), order)
        return made

    def _budget(self) -> Tuple[float, float, str]:
        epsilon, delta, adjacency = ctypes.c_double(), ctypes.c_double(), ctypes.c_int()
        library.dpmix_accountant_budget(self, *[ctypes.byref(out) for out in (epsilon, delta, adjacency)])
        return epsilon.value, delta.value, word_of("ADJACENCY", adjacency.value)

    @property
    def epsilon(self) -> float:
        """The epsilon of the budget."""
        return self._budget()[0]

    @property
    def delta(self) -> float:
        """The delta of the budget."""
        return self._budget()[1]

    @property
    def adjacency(self) -> str:
        """Which pairs of data sets the guarantee compares."""
        return self._budget()[2]

    @property
    def mode(self) -> str:
        """"planned", "renyi" or "gaussian"."""
        return word_of("MODE", number("dpmix_accountant_mode", "int", 1, self, None))

    @property
    def order(self) -> float:
        """The order of a Renyi filter; 0 in other modes."""
        return float(number("dpmix_accountant_mode", "double", 2, self, None))

    @property
    def spent(self) -> float:
        """The epsilon spent so far, at the delta of the budget."""
        return float(number("dpmix_accountant_spent", "double", 1, self))

    def spent_group(self, group: int) -> float:
        """The epsilon spent so far for data sets that differ in `group` records, such as those of one person."""
        return float(number("dpmix_accountant_spent_group", "double", 1, self, group))

    def noise(self, mechanisms: Iterable[Mechanisms], share: float) -> List[float]:
        """The noise multipliers of a plan that fits a share of what is left: those given, times one factor."""
        *arrays, n = composition(mechanisms)
        out, block = room((n,), "double")
        library.dpmix_accountant_noise(self, block, share, *arrays, n)
        return [float(value) for value in out]

    @property
    def ledger(self) -> Dict[str, Any]:
        """The ledger: budget, mode, one entry a debit, and what is spent. It holds public parameters only."""
        return dict(json.loads(text("dpmix_accountant_json", self)))

    def report(self) -> str:
        """The ledger in plain words."""
        return text("dpmix_accountant_report", self)

    def __repr__(self) -> str:
        if self._pointer is None:
            return "<dpmix.Accountant, closed>"
        epsilon, delta, adjacency = self._budget()
        return (f"<dpmix.Accountant: epsilon {self.spent:.6g} of {epsilon:.6g} spent at delta {delta:.3g}, "
                f"{adjacency}, {self.mode}>")
