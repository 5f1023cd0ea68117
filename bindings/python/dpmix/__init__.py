# SPDX-License-Identifier: BSD-3-Clause
"""dpmix: from a private data set to a releasable one, by differentially private mixtures of generative models.

    records = dpmix.Dataset(rows, 0, 255, labels=labels, classes=10)
    budget = dpmix.Accountant(1.0, 1e-5, "add-remove")
    by_label = dpmix.Clusterer("label").fit(records, budget, 0.1)
    mixture = dpmix.Mixture(by_label, dpmix.Generator("gaussian")).fit(records, budget, 1.0)
    rows, labels = mixture.sample(1000)

Privacy terms have no defaults. What failed raises a subclass of dpmix.Error. Names and meanings are those of
the C headers, which are the manual.
"""
from ._accountant import Accountant
from ._calculator import (GaussianAudit, Mechanism, audit_epsilon, audit_epsilon_count, audit_gaussian,
                          audit_gaussian_count, delta, epsilon, noise, rdp, words)
from ._dataset import Dataset
from ._errors import (ArgumentError, BudgetError, CancelledError, Error, FileError, FormatError, InternalError,
                      OutOfMemoryError, RangeError, StateError, UnsupportedError)
from ._frames import Records
from ._library import library
from ._arrays import Samples
from ._memory import protect_memory
from ._models import Clusterer, Generator, Mixture, Plan, SoftSamples
from ._options import Option, Options, options
from ._schema import Column, Schema
from ._synthesize import synthesize
from . import features

__version__: str = library.dpmix_version().decode()
del library

__all__ = [
    "Accountant", "ArgumentError", "BudgetError", "CancelledError", "Clusterer", "Column", "Dataset", "Error",
    "FileError", "FormatError", "GaussianAudit", "Generator", "InternalError", "Mechanism", "Mixture",
    "Option", "Options", "OutOfMemoryError", "Plan", "RangeError", "Records", "Samples", "Schema",
    "SoftSamples", "StateError", "UnsupportedError", "audit_epsilon", "audit_epsilon_count", "audit_gaussian",
    "audit_gaussian_count", "delta", "epsilon", "features", "noise", "options", "protect_memory", "rdp",
    "synthesize", "words",
]
