# SPDX-License-Identifier: BSD-3-Clause
"""The Python package against the library that DPMIX_LIBRARY names, or that it brings. With NumPy and
Arrow's libraries where they are there, and once more with them hidden, in a process of its own. All functions of the
library are called.
"""
import array
import decimal
import fractions
import gc
import math
import os
import pathlib
import struct
import subprocess
import sys
import tempfile
import unittest

import dpmix
from dpmix import _library, _table

import python_progress
import python_tables
from python_fixtures import (CALLED, CLASSES, COLUMNS, PEERS, ROOT, ROWS, budget, dataset, listed, numpy, some_labels,
                             some_rows, tiny_idx, tiny_npy)


class TestLibrary(unittest.TestCase):
    def test_every_declaration_binds(self):
        for name in _library.library.functions():
            self.assertEqual(getattr(_library.library, name).name, name)
        self.assertGreater(len(_library.library.functions()), 60)

    def test_every_status_has_a_class(self):
        for name, status in _table.CONSTANTS.items():
            if name.startswith("DPMIX_ERR_"):
                error = dpmix._errors.error_of(status, "text")
                self.assertIsNot(type(error), dpmix.Error, name)
                self.assertEqual(error.status, status)
                self.assertNotIn("unknown", error.meaning)
        self.assertIs(type(dpmix._errors.error_of(-99, "text")), dpmix.Error)
        self.assertEqual(dpmix._errors.error_of(-99, "text").meaning, "unknown status")

    def test_version(self):
        self.assertEqual(dpmix.__version__, _library.library.dpmix_version().decode())

    def test_numbers_are_not_cut(self):
        with self.assertRaisesRegex(OverflowError, "group: "):
            budget().spent_group(2 ** 32 + 1)
        with self.assertRaisesRegex(OverflowError, "n_canaries: "):
            dpmix.audit_epsilon_count(-1, 0, 0, 0.0, 0.95)
        with self.assertRaisesRegex(TypeError, "group: "):
            budget().spent_group(1.5)

    def test_what_python_refuses_names_the_argument(self):
        model = dpmix.Generator("gaussian").fit(dpmix.Dataset(some_rows(), 0, 1), budget(), 1.0)
        for part, call in (("epsilon: ", lambda: dpmix.Accountant("1", 1e-5, "add-remove")),
                           ("share: ", lambda: dpmix.Generator("gaussian").fit(dataset(), budget(), None)),
                           ("rows: ", lambda: dpmix.Dataset([[1, 2], [3]], 0, 1)),
                           ("n: ", lambda: model.sample(1e3)), ("n: ", lambda: model.sample(-1)),
                           ("seed: ", lambda: model.sample(1, seed=0.5)),
                           ("queries: ", lambda: model.count([(0, 0, 1)])),
                           ("queries: ", lambda: model.count([[("age", 0, 1)]]))):
            with self.assertRaisesRegex((TypeError, ValueError), f"^{part}"):
                call()

    def test_arrays_have_types(self):
        block = dpmix._arrays.numbers([1.0], "double", "x")
        with self.assertRaises(TypeError):
            _library.library.dpmix_feature_distance(block, block, 1, 1)
        with self.assertRaises(TypeError):
            _library.library.dpmix_dataset_columns(budget())


    def test_memory(self):
        try:
            dpmix.protect_memory()
            self.assertEqual(dataset(copy=True).columns, COLUMNS)
        except dpmix.UnsupportedError:
            self.skipTest("this system has no such protection")
        finally:
            dpmix.protect_memory(no_dump=False)


class TestOptions(unittest.TestCase):
    def test_table(self):
        table = dpmix.options()
        self.assertEqual(table["steps"].type, int)
        self.assertEqual(table["vae_activation"].values["tanh"], 2)
        self.assertEqual(set(table), {
            key[len("DPMIX_OPTION_"):].lower() for key in _table.CONSTANTS
            if key.startswith("DPMIX_OPTION_") and not key.startswith("DPMIX_OPTION_TYPE_")})
        for name, option in table.items():
            self.assertTrue(option.lower <= option.default <= option.upper, name)
            self.assertEqual(dpmix.Options(**{name: option.default})[name], option.default)
            for word, value in option.values.items():
                self.assertEqual(dpmix.Options(**{name: word})[name], value)

    def test_words_and_refusals(self):
        self.assertEqual(dpmix.Options(vae_activation="leaky_relu")["vae_activation"], 3)
        with self.assertRaisesRegex(TypeError, "vae_hidden"):
            dpmix.Generator("vae", vae_hiden=3)
        with self.assertRaisesRegex(ValueError, "'adam'"):
            dpmix.Generator("vae", optimizer="adm")
        for value in (1.5, "many", None, [3]):
            with self.assertRaises((TypeError, ValueError)):
                dpmix.Generator("vae", steps=value)
        self.assertEqual(dpmix.Options(learning_rate=decimal.Decimal("0.1"))["learning_rate"], 0.1)
        self.assertAlmostEqual(dpmix.Options(learning_rate=fractions.Fraction(1, 3))["learning_rate"], 1 / 3)
        with self.assertRaisesRegex(dpmix.RangeError, "learning_rate must lie"):
            dpmix.Options(learning_rate=math.nan)
        with self.assertRaises(dpmix.RangeError) as caught:
            dpmix.Generator("vae", steps=0)
        self.assertIsInstance(caught.exception, ValueError)
        with self.assertRaisesRegex(ValueError, "'vae'"):
            dpmix.Generator("transformer")


class TestCalculators(unittest.TestCase):
    def test_round_trip(self):
        plan = [("subsampled-gaussian", 1.0, 0.01, 1000), dpmix.Mechanism("gaussian", 4.0)]
        noise = dpmix.noise(plan, 1.0, 1e-5, "add-remove")
        again = [("subsampled-gaussian", noise[0], 0.01, 1000), ("gaussian", noise[1])]
        spent = dpmix.epsilon(again, 1e-5, "add-remove")
        self.assertTrue(0.999 < spent <= 1.0)
        self.assertLessEqual(dpmix.delta(again, spent, "add-remove"), 1.001e-5)
        self.assertGreater(dpmix.epsilon(again, 1e-5, "add-remove", group=2), spent)
        self.assertGreater(dpmix.delta(again, spent, "add-remove", group=2), 1e-4)
        self.assertAlmostEqual(dpmix.rdp([("gaussian", 2.0)], 8, "add-remove"), 1.0, places=6)
        self.assertAlmostEqual(dpmix.rdp([("gaussian", 2.0, None, 3)], 8, "add-remove"), 3.0, places=6)
        self.assertLess(dpmix.rdp([("subsampled-gaussian", 2.0, 0.1)], 8, "add-remove"), 0.5)
        self.assertAlmostEqual(dpmix.epsilon([("pure", 2.0)], 1e-9, "add-remove"), 0.5, places=6)
        with self.assertRaises(ValueError):
            dpmix.epsilon([("subsampled-gaussian", 1.0)], 1e-5, "add-remove")
        with self.assertRaisesRegex(ValueError, "rate"):
            dpmix.epsilon([("Subsampled_Gaussian", 1.0)], 1e-5, "add-remove")
        with self.assertRaisesRegex(ValueError, "no rate"):  # a sampled one was meant
            dpmix.epsilon([("gaussian", 1.0, 0.01, 1000)], 1e-5, "add-remove")
        self.assertEqual(dpmix.epsilon([("gaussian", 1.0, 1.0)], 1e-5, "add-remove"),
                         dpmix.epsilon([("gaussian", 1.0)], 1e-5, "add-remove"))
        with self.assertRaises(dpmix.RangeError):
            dpmix.epsilon([("gaussian", 1.0)], 2.0, "add-remove")

    def test_audits(self):
        coins = [i % 2 for i in range(400)]
        sure = dpmix.audit_epsilon([float(coin) for coin in coins], coins, 1e-6, 0.95)
        self.assertGreater(sure, 2)
        self.assertEqual(dpmix.audit_epsilon([0.0] * 400, coins, 1e-6, 0.95), 0)
        self.assertGreater(dpmix.audit_gaussian([float(coin) for coin in coins], coins, 1e-6, 0.95).mu, 1)
        self.assertGreater(dpmix.audit_epsilon_count(400, 100, 100, 1e-6, 0.95), 2)
        self.assertGreater(dpmix.audit_gaussian_count(400, 100, 100, 1e-6, 0.95).epsilon, 1)
        high = [float(coin) if i < 200 else -1.0 for i, coin in enumerate(coins)]  # a high score tells, a low one does not
        for audit in (dpmix.audit_epsilon, lambda *told, **guesses: dpmix.audit_gaussian(*told, **guesses).epsilon):
            self.assertGreater(audit(high, coins, 1e-6, 0.95, guesses_in=100), 1)
            self.assertLess(audit(high, coins, 1e-6, 0.95, guesses_out=100), 0.5)
        with self.assertRaises(ValueError):
            dpmix.audit_epsilon([0.0], [1, 0], 1e-6, 0.95)
        for wrong in ([0.5, 1.0], [-1, 1]):  # scores, or signs
            with self.assertRaisesRegex(ValueError, "included"):
                dpmix.audit_epsilon([0.0, 1.0], wrong, 1e-6, 0.95)


class TestDataset(unittest.TestCase):
    def test_layouts(self):
        flat = array.array("f", range(12))
        for rows in (bytes(range(12)), array.array("d", range(12)), flat, memoryview(flat), bytearray(12)):
            made = dpmix.Dataset(rows, 0, 20, columns=3)
            self.assertEqual((made.columns, made.classes), (3, 0))
        marks = dpmix._arrays.numbers(bytes([0, 1, 2, 1]), "int32_t", "labels")  # numbers, not their memory
        self.assertEqual(listed(marks.owner), [0, 1, 2, 1])
        self.assertEqual(dpmix.Dataset(memoryview(flat).cast("B").cast("f", [2, 2, 3]), 0, 20).columns, 6)
        self.assertEqual(dpmix.Dataset([[1, 2], [3, 4]], [0, 1], 5).columns, 2)
        self.assertEqual(dpmix.Dataset(b"", 0, 1, columns=3, labels=[], classes=2).classes, 2)

    def test_files(self):
        with tempfile.TemporaryDirectory() as folder:
            made = dpmix.Dataset.from_idx(*tiny_idx(folder), lower=0, upper=255, classes=10)
            self.assertEqual((made.columns, made.classes), (784, 10))
            rows = tiny_npy(pathlib.Path(folder, "rows.npy"), "f4", (6, 2, 2))
            labels = tiny_npy(pathlib.Path(folder, "labels.npy"), "i4", (6,))
            made = dpmix.Dataset.from_npy(rows, labels, lower=[0, 0, 1, 1], upper=9, classes=3)
            self.assertEqual((made.columns, made.classes), (4, 3))
        dataset(groups=[0, 1, 1, 0])
        with self.assertRaises(dpmix.RangeError):
            dataset(groups=[2, 1, 1, 0])
        made.set_images(2)
        with self.assertRaises(dpmix.RangeError):
            made.set_images(3)

    def test_no_copy_keeps_memory(self):
        memory = bytearray(ROWS * COLUMNS)
        made = dpmix.Dataset(memory, 0, 255, columns=COLUMNS)
        with self.assertRaises(BufferError):
            memory.append(0)
        model = dpmix.Generator("gaussian").fit(made, budget(), 1.0)
        made.close()
        with self.assertRaises(BufferError):
            memory.append(0)
        del model, made
        gc.collect()
        memory.append(0)
        made = dpmix.Dataset(memory, 0, 255, columns=1, copy=True)
        memory.append(0)
        memory[:] = bytes(255 for _ in memory)
        model = dpmix.Generator("gaussian").fit(made, budget(1e4), 1.0)
        self.assertLess(sum(row[0] for row in listed(model.sample(100, seed=1).rows)) / 100, 50)

    def test_refusals(self):
        for rows, error in (([[1, 2], [3]], ValueError), ([["a"]], TypeError), (b"abc", ValueError)):
            with self.assertRaises(error):
                dpmix.Dataset(rows, 0, 1)
        with self.assertRaises(ValueError):
            dpmix.Dataset(b"abc", 0, 1, columns=2)
        with self.assertRaises(ValueError):  # a record would be spread over several
            dpmix.Dataset([[0.0] * 6] * 2, 0, 1, columns=4)
        for labels in ([0.5] * ROWS, [2 ** 40] * ROWS, ["a"] * ROWS):
            with self.assertRaises(TypeError):
                dpmix.Dataset(some_rows(), 0, 1, labels=labels, classes=CLASSES)
        with self.assertRaises(ValueError):
            dpmix.Dataset(some_rows(), 0, 1, labels=[0], classes=CLASSES)
        with self.assertRaises(dpmix.RangeError):
            dpmix.Dataset(some_rows(), 0, 1, labels=[9] * ROWS, classes=CLASSES)
        with self.assertRaises(dpmix.RangeError):
            dpmix.Dataset(some_rows(), 1, 0)
        with self.assertRaises(dpmix.FileError) as caught:
            dpmix.Dataset.from_idx("/no/such/file", lower=0, upper=255)
        self.assertIsInstance(caught.exception, OSError)

    def test_refusals_tell_no_values(self):
        schema = dpmix.Schema().categorical("town", ["a"])
        labels = [["secret"] * ROWS]
        if numpy:
            labels += [numpy.array(labels[0]), numpy.array(labels[0], dtype=object)]
        with tempfile.TemporaryDirectory() as folder:
            latin = pathlib.Path(folder, "latin.csv")
            latin.write_bytes(b"town\nsecret\xe9\n")
            calls = [lambda: dpmix.Dataset.from_csv(latin, schema),
                     lambda: dpmix.Dataset.from_text([["secret\udce9"]], schema)]
            for marks in labels:
                calls.append(lambda marks=marks: dpmix.Dataset(some_rows(), 0, 1, labels=marks, classes=CLASSES))
            for call in calls:
                with self.assertRaises((TypeError, ValueError)) as caught:
                    call()
                self.assertNotRegex(str(caught.exception), "secret|e9")

    @unittest.skipUnless(numpy, "NumPy is not there")
    def test_numpy(self):
        for dtype in ("uint8", "float32", "float64", "int64", "bool", "float16"):
            rows = numpy.zeros((5, 3), dtype)
            self.assertEqual(dpmix.Dataset(rows, 0, 1).columns, 3)
            self.assertEqual(dpmix.Dataset(rows.T, 0, 1).columns, 5)
        rows = numpy.zeros((5, 3), "float32")
        self.assertEqual(dpmix._arrays.rows(rows, ("float",), "rows")[0].address, rows.ctypes.data)
        rows.flags.writeable = False
        self.assertEqual(dpmix._arrays.rows(rows, ("float",), "rows")[0].address, rows.ctypes.data)
        block = dpmix._arrays.rows(numpy.arange(6.0).reshape(2, 3).T, ("double",), "rows")[0]
        self.assertEqual(listed(numpy.asarray(block.owner)), [[0, 3], [1, 4], [2, 5]])
        odd = numpy.frombuffer(b"x" + bytes(24), "float32", offset=1).reshape(2, 3)  # at no address of a float
        self.assertEqual(dpmix._arrays.rows(odd, ("float",), "rows")[0].address % 4, 0)
        labels = numpy.arange(5, dtype="int64")
        self.assertEqual(dpmix.Dataset(rows, 0, 1, labels=labels, classes=5).classes, 5)
        with self.assertRaises(TypeError):
            dpmix.Dataset(rows, 0, 1, labels=labels + 2 ** 40, classes=5)
        with self.assertRaises(TypeError):
            dpmix.Dataset(rows, 0, 1, labels=labels * 1.0, classes=5)
        with self.assertRaises(TypeError):
            dpmix.Dataset(numpy.array([["a"]]), 0, 1)
        rows = numpy.ma.masked_array(numpy.zeros((5, 3)), mask=False)
        self.assertEqual(dpmix.Dataset(rows, 0, 1).columns, 3)
        rows[2, 1] = numpy.ma.masked
        labels = numpy.ma.masked_array(labels, mask=labels == 3)
        for masked in (rows, rows.astype("int64")):
            with self.assertRaisesRegex(TypeError, "masked"):
                dpmix.Dataset(masked, 0, 1)
        with self.assertRaisesRegex(TypeError, "masked"):
            dpmix.Dataset(numpy.zeros((5, 3)), 0, 1, labels=labels, classes=5)


class TestModels(unittest.TestCase):
    def test_mixture(self):
        records, money = dataset(), budget(2.0)
        parts = dpmix.Clusterer("label")
        self.assertEqual((parts.parts, parts.columns, "not fitted" in repr(parts)), (0, 0, True))
        plan = parts.plan(money, 0.2, ROWS, COLUMNS, CLASSES)
        self.assertIs(parts.fit(records, money, 0.2), parts)
        self.assertEqual(money.spent, plan.epsilon)
        self.assertAlmostEqual(sum(listed(parts.weights)), 1)
        self.assertEqual(listed(parts.assign(some_rows(), some_labels())), some_labels())
        seen = []
        mixture = dpmix.Mixture(parts, dpmix.Generator("gaussian"))
        mixture.fit(records, money, 1.0, lambda *step: seen.append(step))
        self.assertEqual({step[0] for step in seen}, {"train"})
        self.assertEqual(seen[-1][1], seen[-1][2])
        self.assertEqual((mixture.parts, mixture.columns, mixture.classes), (CLASSES, COLUMNS, CLASSES))
        rows, labels = mixture.sample(50, seed=7)
        self.assertEqual((len(listed(rows)), len(listed(rows)[0]), len(listed(labels))), (50, COLUMNS, 50))
        self.assertTrue(all(0 <= value <= 1 for row in listed(rows) for value in row))
        self.assertEqual(listed(mixture.sample(10, seed=7, first=40).rows), listed(rows)[40:])
        self.assertNotEqual(listed(mixture.sample(50).rows), listed(rows))
        self.assertNotEqual(listed(mixture.sample(50, seed=7 + 2 ** 32).rows), listed(rows))
        self.assertEqual(len(listed(mixture.sample(0).rows)), 0)
        wide = listed(mixture.sample(1, seed=7, dtype="float64").rows)[0]
        self.assertEqual([struct.unpack("f", struct.pack("f", value))[0] for value in wide], listed(rows)[0])
        below, of_class, all_of = listed(mixture.count([[(0, 0, 0.5)], [("label", 1, 1), (1, 0, 1)], []], seed=1))
        self.assertTrue(0 < below < 1 and 0.2 < of_class < 0.5 and all_of == 1)
        self.assertEqual(money.ledger, mixture.ledger)
        self.assertIn("epsilon", money.report())
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "m\u00f6del.dpmix")
            mixture.save(path)
            with dpmix.Mixture.load(path) as loaded:
                self.assertEqual(listed(loaded.sample(50, seed=7).rows), listed(rows))
            path.write_bytes(path.read_bytes()[:100])
            with self.assertRaises(dpmix.FormatError):
                dpmix.Mixture.load(path)
        for thing in (records, money, parts, mixture):
            self.assertIn("dpmix." + type(thing).__name__, repr(thing))
            thing.close()
            thing.close()
            self.assertIn("closed", repr(thing))
        with self.assertRaisesRegex(ValueError, "closed"):
            mixture.sample(1)

    def test_one_part(self):
        """A mixture without a clusterer; a teacher labels its samples, also softly."""
        records, money = dataset(), budget(4.0)
        mixture = dpmix.Mixture(None, dpmix.Generator("vae", steps=5, vae_hidden=8, sampling_rate=0.1,
                                                      teacher_steps=5)).fit(records, money, 0.3)
        self.assertEqual((mixture.parts, mixture.classes), (1, CLASSES))
        seen = []
        self.assertIs(mixture.teach(records, money, 1.0, lambda *step: seen.append(step)), mixture)
        self.assertGreater(len(seen), 4)
        self.assertEqual(len(money.ledger["entries"]), 2)
        rows, probabilities = mixture.sample_soft(20, seed=5)
        again, labels = mixture.sample(20, seed=5)
        self.assertEqual(listed(rows), listed(again))
        for soft, label in zip(listed(probabilities), listed(labels)):
            self.assertAlmostEqual(sum(soft), 1, places=5)
            self.assertEqual(max(soft), soft[label])
        with self.assertRaises(dpmix.StateError):
            mixture.teach(records, money, 1.0)
        with self.assertRaises(TypeError):
            mixture.teach(money, records, 1.0)
        with self.assertRaises(TypeError):
            dpmix.Mixture(None, None)

    def test_centres(self):
        records, money = dataset(), budget(50.0)
        parts = dpmix.Clusterer("kmeans", clusters=3, kmeans_features=0).fit(records, money, 1.0)
        self.assertEqual((parts.columns, len(listed(parts.centres)), len(listed(parts.centres)[0])),
                         (COLUMNS, parts.parts, COLUMNS))
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "parts")
            parts.save(path)
            loaded = dpmix.Clusterer.load(path)
            self.assertEqual(listed(loaded.centres), listed(parts.centres))
            self.assertEqual(loaded.ledger, money.ledger)

    def test_generator_has_a_shape(self):
        unfitted = dpmix.Generator("gaussian")
        self.assertEqual((unfitted.columns, unfitted.classes), (0, 0))
        self.assertEqual(repr(unfitted), "<dpmix.Generator('gaussian'): not fitted>")
        model = dpmix.Generator("vae", steps=3, vae_hidden=8, sampling_rate=0.1).fit(dataset(), budget(), 1.0)
        rows, labels = model.sample(4, seed=1)
        self.assertEqual((model.columns, model.classes, len(listed(rows)[0]), len(listed(labels))),
                         (COLUMNS, CLASSES, COLUMNS, 4))
        self.assertEqual(listed(model.sample(2, seed=1, first=2, dtype="float64").labels), listed(labels)[2:])
        self.assertEqual(listed(model.count([[], [("label", 0, CLASSES)]], 50)), [1, 1])
        with self.assertRaises(TypeError):
            model.count([[(0.9, 0, 1)]], 50)
        with tempfile.TemporaryDirectory() as folder:
            model.save(pathlib.Path(folder, "model"))
            loaded = dpmix.Generator.load(pathlib.Path(folder, "model"))
        self.assertEqual(listed(loaded.sample(4, seed=1).rows), listed(rows))
        self.assertEqual(loaded.ledger, model.ledger)
        plain = dpmix.Generator("gaussian").fit(dpmix.Dataset(some_rows(), 0, 1), budget(), 1.0)
        self.assertEqual((plain.columns, plain.sample(4).labels), (COLUMNS, None))
        self.assertIn("4 columns, no labels", repr(plain))
        with self.assertRaises(dpmix.StateError):
            dpmix.Generator("gaussian").sample(3)

    def test_gaussian_mixture(self):
        model = dpmix.Generator("gmm").fit(dataset(), budget(5.0), 1.0)
        n = model.components
        self.assertGreater(n, 0)
        self.assertEqual(len(listed(model.log_density(some_rows()))), ROWS)
        shares = listed(model.assign(some_rows(), some_labels()))
        self.assertEqual((len(shares), len(shares[0])), (ROWS, n))
        self.assertAlmostEqual(sum(shares[0]), 1, places=5)
        with self.assertRaises(dpmix.UnsupportedError):
            dpmix.Clusterer("label").fit(dataset(), budget(), 1.0).centres

    def test_refusals(self):
        records, money = dataset(), budget()
        dpmix.Generator("gaussian").fit(records, money, 1.0)
        with self.assertRaises(dpmix.BudgetError):
            dpmix.Generator("gaussian").fit(records, money, 1.0)
        with self.assertRaises(dpmix.StateError):
            dpmix.Generator("gaussian").fit(records, budget(), 1.0)
        with self.assertRaises(TypeError):
            dpmix.Generator("gaussian").fit(money, records, 1.0)
        with self.assertRaises(TypeError):
            dpmix.Generator("gaussian").fit(records, money, "all")
        with self.assertRaises(ValueError):
            dpmix.Accountant(1.0, 1e-5, "both")
        with self.assertRaises(OverflowError):
            dpmix.Generator("gaussian").fit(dataset(), budget(), 1.0).sample(1, seed=-1)

    def test_ledger_in_a_file(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "ledger")
            try:
                planned = dpmix.Accountant.open(path, "others", 1.0, 1e-5, "add-remove")
            except dpmix.UnsupportedError:
                with self.assertRaises(dpmix.UnsupportedError):
                    dpmix.Accountant.open(path, "people", 1.0, 1e-5, "zero-out", mode="renyi")
                self.skipTest("built without SQLite")
            self.assertEqual((planned.mode, planned.order, planned.spent), ("planned", 0, 0))
            first = dpmix.Accountant.open(path, "people", 1.0, 1e-5, "zero-out", mode="renyi")
            dpmix.Generator("gaussian").fit(dataset(), first, 0.5)
            again = dpmix.Accountant.open(path, "people", 1.0, 1e-5, "zero-out", mode="renyi")
            self.assertEqual(again.spent, first.spent)
            self.assertEqual((again.mode, again.adjacency, again.epsilon), ("renyi", "zero-out", 1.0))
            self.assertGreater(again.order, 1)
            with self.assertRaisesRegex(ValueError, "null"):  # and not the budget of "people"
                dpmix.Accountant.open(path, "people\0others", 1.0, 1e-5, "zero-out", mode="renyi")

    def test_filters(self):
        for mode, order in (("renyi", 9.5), ("gaussian", 0)):
            money = dpmix.Accountant(1.0, 1e-5, "add-remove", mode=mode, order=order)
            self.assertEqual((money.mode, money.order), (mode, order))
            dpmix.Generator("gaussian").fit(dataset(), money, 0.5)
            self.assertTrue(0 < money.spent < 1)
            self.assertEqual(len(money.noise([("gaussian", 1.0)], 0.5)), 1)
        self.assertEqual(dpmix.Accountant(1.0, 1e-5, "Add_Remove", mode="Planned").mode, "planned")
        for mode in ("planned", "PLANNED"):
            with self.assertRaisesRegex(ValueError, "^order: "):
                dpmix.Accountant(1.0, 1e-5, "add-remove", mode=mode, order=2.0)

    def test_checkpoint(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "checkpoint")
            records, money = dataset(), budget()
            model = dpmix.Generator("vae", steps=20, vae_hidden=8, sampling_rate=0.1)
            model.checkpoint(path, 5)
            with self.assertRaises(dpmix.CancelledError):
                model.fit(records, money, 0.5, lambda phase, done, total, epsilon: done < 10)
            resumed = dpmix.Generator.resume(path, records, money)
            self.assertEqual(len(listed(resumed.sample(3).labels)), 3)
            records, money = dataset(), budget()
            mixture = dpmix.Mixture(None, dpmix.Generator("vae", steps=20, vae_hidden=8, sampling_rate=0.1))
            mixture.checkpoint(path, 5)
            with self.assertRaises(dpmix.CancelledError):
                mixture.fit(records, money, 0.5, lambda phase, done, total, epsilon: done < 10)
            steps = []
            dpmix.Mixture.resume(path, records, money, lambda phase, done, *_: steps.append(done))
            self.assertTrue(5 <= steps[0] <= 10)
            path.unlink()
            model = dpmix.Generator("vae", steps=20, vae_hidden=8, sampling_rate=0.1)
            model.checkpoint(path, 5)
            model.checkpoint(None)
            plan = model.plan(money, 1.0, ROWS, COLUMNS, CLASSES)
            self.assertGreater(plan.noise_multiplier, 0)
            model.fit(records, money, 1.0)
            self.assertEqual((money.spent, path.exists()), (plan.epsilon, False))

    def test_images(self):
        images = [[(i + j) % 2 for j in range(64)] for i in range(3)]
        low = dpmix.features.dct(images, 16)
        back = listed(dpmix.features.dct_inverse(low, 8, 16))
        self.assertTrue(all(abs(a - b) < 1e-5 for x, y in zip(images, back) for a, b in zip(x, y)))
        self.assertEqual(len(listed(dpmix.features.scattering(images, 1, 4))[0]), 5 * 16)
        distances = dpmix.features.distance(images)
        self.assertEqual(len(listed(dpmix.features.distance_inverse(distances))[0]), 64)


class TestQuickstart(unittest.TestCase):
    def test_tiny(self):
        with tempfile.TemporaryDirectory() as folder:
            output = pathlib.Path(folder, "model")
            done = subprocess.run([sys.executable, str(ROOT / "examples/quickstart.py"), *map(str, tiny_idx(folder, 12)),
                                   str(output)], capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(done.stdout.count("mean pixel"), 10)
            self.assertIn("PRIVACY LEDGER", done.stdout)
            self.assertEqual(dpmix.Mixture.load(output).columns, 144)


class TestPlain(unittest.TestCase):
    @unittest.skipUnless(PEERS, "that is how everything else runs here")
    def test_without_numpy(self):
        done = subprocess.run([sys.executable, __file__], env={**os.environ, "DPMIX_TEST_PLAIN": "1"},
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)


def load_tests(loader, tests, _pattern):
    for module in (python_progress, python_tables):
        tests.addTests(loader.loadTestsFromModule(module))
    return tests


if __name__ == "__main__":
    done = unittest.main(exit=False)
    missing = sorted(set(_library.library.functions()) - CALLED)
    if len(sys.argv) == 1 and done.result.wasSuccessful() and missing:
        print(f"functions of the library that the package never called: {', '.join(missing)}", file=sys.stderr)
        sys.exit(1)
    sys.exit(not done.result.wasSuccessful())
