# SPDX-License-Identifier: BSD-3-Clause
"""A program of somebody else's: a table in, a model in a file, records out. The library is the installed one."""
import sys

import dpmix
from dpmix._library import library

if library.path != "libdpmix.so.1":
    sys.exit(f"loaded {library.path}")
schema = dpmix.Schema().integer("age", 17, 90).categorical("job", ["clerk", "nurse"]).set_label("job")
records = dpmix.Dataset.from_text([[str(17 + i % 60), ["clerk", "nurse"][i % 2]] for i in range(300)], schema)
budget = dpmix.Accountant(1.0, 1e-5, "add-remove")
by_job = dpmix.Clusterer("label").fit(records, budget, 0.1)
dpmix.Mixture(by_job, dpmix.Generator("gaussian")).fit(records, budget, 1.0).save("foreign.dpmix")
made = schema.decode(*dpmix.Mixture.load("foreign.dpmix").sample(50), categories="largest")
if not all(17 <= int(age) <= 90 and job in ("clerk", "nurse") for age, job in made):
    sys.exit("records that the schema does not have")
print(f"Python, library {dpmix.__version__}: {budget}, a record: {made[0]}")
