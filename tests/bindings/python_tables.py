# SPDX-License-Identifier: BSD-3-Clause
"""Tables in the Python package: schemas, text, frames of other libraries. python_test.py runs these."""
import csv
import ctypes
import datetime
import io
import json
import pathlib
import tempfile
import unittest
import unittest.mock

import dpmix
from dpmix import _arrow

from python_fixtures import budget, listed, numpy

DECLARED = {"dpmix_schema": 1, "label": "job", "columns": [
    {"name": "age", "kind": "integer", "lower": 17, "upper": 90},
    {"name": "income", "kind": "continuous", "lower": 1, "upper": 1e6, "scale": "log", "nullable": True},
    {"name": "job", "kind": "categorical", "values": ["clerk", "nurse"], "other": "another", "outside": "other"},
    {"name": "member", "kind": "boolean"},
    {"name": "born", "kind": "date", "lower": "1900-01-01", "upper": "2024-12-31"}]}


NO_LABEL = {name: value for name, value in DECLARED.items() if name != "label"}


def cells(n=400):
    jobs = ["clerk", "nurse", "smith"]
    return [[str(17 + i % 60), None if i % 5 == 0 else str(100 + i), jobs[i % 3], "true" if i % 2 else "false",
             f"19{10 + i % 80}-03-04"] for i in range(n)]


class ArrowArray(ctypes.Structure):
    """struct ArrowArray, as far as its owner needs to know it."""

    _fields_ = [("counts", ctypes.c_int64 * 5), ("pointers", ctypes.c_void_p * 3), ("release", ctypes.c_void_p),
                ("private_data", ctypes.c_void_p)]


class Batch:
    """The first record batch of a stream: a frame that has __arrow_c_array__ only."""

    def __init__(self, records):
        self.records = records

    def __arrow_c_array__(self, requested_schema=None):
        capsule = self.records.__arrow_c_stream__()
        stream = _arrow.pointer_of(capsule, _arrow.STREAM)
        get_next = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)(
            _arrow.ArrowStream.from_address(stream).get_next)
        self.array = ArrowArray()
        assert get_next(stream, ctypes.addressof(self.array)) == 0
        new = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)(
            ("PyCapsule_New", ctypes.pythonapi))
        return self.records.schema.__arrow_c_schema__(), new(ctypes.addressof(self.array), b"arrow_array", None)


class TestTables(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        try:
            dpmix.Schema().close()
        except dpmix.UnsupportedError:
            raise unittest.SkipTest("the library has no tables") from None

    def check_columns(self, columns):
        self.assertTrue(all(isinstance(age, int) and 17 <= age <= 90 for age in columns["age"]))
        self.assertTrue(all(income is None or 1 <= income <= 1e6 for income in columns["income"]))
        self.assertLessEqual(set(columns["job"]), {"clerk", "nurse", "another"})
        self.assertLessEqual(set(columns["member"]), {True, False})
        self.assertTrue(all(1900 <= born.year <= 2024 for born in columns["born"]))

    def test_schema(self):
        built = (dpmix.Schema().integer("age", 17, 90)
                 .continuous("income", 1, 1e6, log=True, nullable=True)
                 .categorical("job", ["clerk", "nurse"], other="another").boolean("member")
                 .date("born", "1900-01-01", "2024-12-31").set_label("job"))
        self.assertEqual(built.declared, dpmix.Schema(DECLARED).declared)
        self.assertEqual(built.names, ["age", "income", "job", "member", "born"])
        self.assertEqual((built.label, built.unit_column, built.classes), ("job", None, 3))
        self.assertEqual(built.kinds["born"], "date")
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "schema.json")
            built.save(path)
            self.assertEqual(dpmix.Schema.of(path).declared, built.declared)
        with self.assertRaises(dpmix.FormatError):
            dpmix.Schema({"dpmix_schema": 1, "columns": [{"name": "x", "kind": "guess"}]})
        with self.assertRaises(dpmix.RangeError):
            dpmix.Schema().integer("x", 2, 1)
        more = dpmix.Schema().timestamp("t", "2020-01-01T00:00:00", "2020-01-02T00:00:00").unit("who", 3)
        self.assertEqual([column["kind"] for column in more.declared["columns"]], ["timestamp", "unit"])
        self.assertEqual(more.unit_column, "who")
        with self.assertRaises(TypeError):
            dpmix.Schema.of(3.5)

    def test_bounds_of_times(self):
        """Floats are seconds in Python, and NumPy's times have units: neither becomes a number of something else."""
        for add in (dpmix.Schema().date, dpmix.Schema().timestamp):
            for bound in (0.0, 1.7e9, None, [1]):
                with self.assertRaisesRegex(TypeError, "lower, upper: .*since 1970"):
                    add("t", 0, bound)
        bounds = [datetime.date(1975, 1, 1), datetime.datetime(1975, 1, 1)]
        if numpy:
            bounds += [numpy.datetime64("1975-01-01", unit) for unit in ("D", "s", "us", "ns")] + [numpy.int64(1826)]
        for bound in bounds:
            schema = dpmix.Schema().date("day", 0, bound)
            self.assertEqual(schema.columns[0].upper, datetime.date(1975, 1, 1))
            if not hasattr(bound, "__index__"):
                self.assertEqual(dpmix.Schema().timestamp("t", 0, bound).columns[0].upper,
                                 datetime.datetime(1975, 1, 1, tzinfo=datetime.timezone.utc))

    def test_columns(self):
        schema = dpmix.Schema(DECLARED).timestamp("seen", 0, 1).ordinal("size", ["s", "m"]).unit("who", 3)
        age, income, job, member, born, seen, size, who = schema.columns
        self.assertEqual(age, dpmix.Column("age", "integer", 17, 90, [], None, False, False, "clamp", range(0, 1)))
        self.assertEqual((income.lower, income.upper, income.nullable, income.log), (1.0, 1e6, True, True))
        self.assertEqual((job.values, job.other, job.outside, len(job.places)),
                         (["clerk", "nurse"], "another", "other", 0))
        self.assertEqual((member.lower, member.values), (None, ["false", "true"]))
        self.assertEqual((born.lower, born.upper), (datetime.date(1900, 1, 1), datetime.date(2024, 12, 31)))
        self.assertEqual(seen.upper, datetime.datetime(1970, 1, 1, 0, 0, 0, 1, datetime.timezone.utc))
        self.assertEqual((size.values, who.kind, who.upper), (["s", "m"], "unit", 3))
        groups = schema.groups
        self.assertEqual(len(groups), schema.width)
        self.assertEqual([groups[place] for place in income.places], [0, 1, 1])

    def test_text_there_and_back(self):
        schema = dpmix.Schema(DECLARED)
        rows, labels = schema.encode(cells(6))
        self.assertEqual((len(listed(rows)[0]), listed(labels)), (schema.width, [0, 1, 2, 0, 1, 2]))
        back = schema.decode(rows, labels)
        self.assertEqual([row[2] for row in back], ["clerk", "nurse", "another"] * 2)
        self.assertEqual([[row[0], *row[3:]] for row in back], [[row[0], *row[3:]] for row in cells(6)])
        self.assertIsNone(back[0][1])
        self.assertAlmostEqual(float(back[1][1]), 101, delta=0.01)
        flat = [[0.5] * schema.width] * 50
        drawn = [schema.decode(flat, [0] * 50, seed=3) for _ in range(2)]
        self.assertEqual(drawn[0], drawn[1])
        self.assertEqual({row[3] for row in drawn[0]}, {"true", "false"})
        self.assertEqual({row[3] for row in schema.decode(flat, [0] * 50, categories="largest")}, {"false"})
        for wrong in (lambda: schema.decode(rows, labels, categories="best"), lambda: schema.encode([["17"]]),
                      lambda: schema.decode(rows, [9] * 6)):
            with self.assertRaises(ValueError):
                wrong()

    def test_rows_are_lists_of_texts(self):
        """Not what csv.DictReader gives, whose keys are as many as the cells, and not texts, whose letters may be."""
        schema = dpmix.Schema().categorical("a", ["x"]).categorical("b", ["y"])
        for rows in ([{"a": "x", "b": "y"}], ["xy"], [["x", 1]]):
            for call in (schema.encode, lambda rows: dpmix.Dataset.from_text(rows, schema)):
                with self.assertRaises(TypeError):
                    call(rows)
        with self.assertRaises(TypeError):
            dpmix.Schema().categorical("a", "xy")
        with self.assertRaises(TypeError):
            dpmix.Schema().categorical("a", [1, 2])

    def test_csv_out(self):
        """What the README shows: a CSV file in, a CSV file out, and no other library."""
        schema = dpmix.Schema(DECLARED)
        model = dpmix.Generator("vae", vae_output="mixed", steps=5, vae_hidden=8).fit(
            dpmix.Dataset.from_text(cells(), schema), budget(), 1.0)
        file = io.StringIO()
        csv.writer(file).writerows([schema.names, *schema.decode(*model.sample(20))])
        lines = list(csv.reader(io.StringIO(file.getvalue())))
        self.assertEqual((lines[0], len(lines)), (schema.names, 21))
        self.assertTrue(all(17 <= int(line[0]) <= 90 for line in lines[1:]))

    def test_text_and_csv(self):
        schema = dpmix.Schema(DECLARED)
        records = dpmix.Dataset.from_text(cells(), schema)
        self.assertEqual((records.columns, records.classes), (schema.width, 3))
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "people.csv")
            lines = [["extra", "born", "age", "income", "job", "member"]]
            lines += [["x", row[4], row[0], row[1] or "", row[2], row[3]] for row in cells()]
            path.write_text("\n".join(map(",".join, lines)))
            self.assertEqual(dpmix.Dataset.from_csv(path, schema).columns, schema.width)
            with self.assertRaisesRegex(dpmix.FormatError, "'nobody' is missing.* 6 fields"):
                dpmix.Dataset.from_csv(path, dpmix.Schema().boolean("nobody"))
            path.write_text("age;member\n17;true\n")
            few = dpmix.Schema().integer("age", 17, 90).boolean("member")
            with self.assertRaisesRegex(dpmix.FormatError, "'age' is missing.* 1 fields"):
                dpmix.Dataset.from_csv(path, few)
            self.assertEqual(dpmix.Dataset.from_csv(path, few, delimiter=";").columns, few.width)
            path.write_text("age,income,job,member,born\n\n17,3\n")
            with self.assertRaisesRegex(dpmix.FormatError, "line 3 "):
                dpmix.Dataset.from_csv(path, schema)
            path.write_text(f"age,member\n17,{'x' * (csv.field_size_limit() + 1)}\n")
            with self.assertRaisesRegex(dpmix.FormatError, "line 2: .*limit"):
                dpmix.Dataset.from_csv(path, few)
            path.write_text("\"age\",\"member\"\n17,canary4711\n")
            with self.assertRaisesRegex(dpmix.FormatError, "no number") as caught:
                dpmix.Dataset.from_csv(path, few, quoting=csv.QUOTE_NONNUMERIC)
            self.assertNotIn("canary", str(caught.exception))
            path.write_text("age,member\n17,a\0b\n")
            with self.assertRaisesRegex(dpmix.FormatError, "null character|NUL"):
                dpmix.Dataset.from_csv(path, few)

    def test_csv_quotes(self):
        """A quote that nobody closes swallows no records."""
        few = dpmix.Schema().integer("age", 17, 90).boolean("member")
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "people.csv")
            for stray in ('18,"true\n', '18,"true" \n', '18,"canary"4711\n'):
                path.write_text("age,member\n17,true\n" + stray + "19,false\n" * 100)
                with self.assertRaisesRegex(dpmix.FormatError, "line (3: |103: .* begins in line 3)") as caught:
                    dpmix.Dataset.from_csv(path, few)
                self.assertNotIn("canary", str(caught.exception))
                self.assertEqual(dpmix.Dataset.from_csv(path, few, strict=False).columns, few.width)

    def test_csv_empty(self):
        """An empty field is null, as dpmix-release has it, unless the column knows the empty text."""
        for values, wanted in ((["clerk"], None), (["clerk", ""], "")):
            schema = dpmix.Schema().categorical("job", values, nullable=True)
            with tempfile.TemporaryDirectory() as folder:
                path = pathlib.Path(folder, "jobs.csv")
                path.write_text("job,x\n" + ",1\n" * 2000)
                model = dpmix.Generator("products", products_components=2, products_steps=200).fit(
                    dpmix.Dataset.from_csv(path, schema), budget(10.0), 1.0)
            made = [job for job, in schema.decode(*model.sample(100, seed=1))]
            self.assertGreater(made.count(wanted), 80)

    def test_plan(self):
        money, model = budget(), dpmix.Generator("products", products_components=4, products_steps=20)
        plan = model.plan_table(money, 0.5, 400, DECLARED)
        self.assertTrue(0 < plan.epsilon <= 0.5 and plan.noise_multiplier > 0)
        model.fit(dpmix.Dataset.from_text(cells(), DECLARED), money, 0.5)
        self.assertEqual(money.spent, plan.epsilon)

    def test_stream_that_nobody_consumes(self):
        schema = dpmix.Schema(DECLARED)
        records, money = dpmix.Dataset.from_text(cells(), schema), budget()
        parts = dpmix.Clusterer("label").fit(records, money, 0.2)
        mixture = dpmix.Mixture(parts, dpmix.Generator("gaussian")).fit(records, money, 1.0)
        stream = mixture.stream(schema, 100, seed=1)
        capsule = stream.__arrow_c_stream__()
        self.assertEqual(len(_arrow.alive), 1)
        del capsule
        self.assertEqual(len(_arrow.alive), 0)
        self.assertIn("100 of age", repr(stream))
        # Its own output is a frame, too, and carries the schema.
        self.assertEqual(dpmix.Dataset.from_frame(stream, schema).columns, schema.width)
        self.assertEqual(dpmix.Dataset.from_frame(stream).columns, schema.width)
        for carrier in (stream, schema, Batch(stream)):
            if carrier is not schema:
                self.assertEqual(dpmix.Dataset.from_frame(Batch(stream)).classes, 3)
            self.assertEqual(dpmix.Schema._from_arrow(carrier).declared, schema.declared)
        self.assertEqual(len(_arrow.alive), 0)
        alone = dpmix.Generator("vae", steps=3, vae_hidden=8, vae_output="mixed").fit(
            dpmix.Dataset.from_text(cells(), schema), budget(), 1.0)
        self.assertEqual(dpmix.Dataset.from_frame(alone.stream(schema, 10)).columns, schema.width)
        with self.assertRaises(TypeError):
            dpmix.Dataset.from_frame([1, 2], schema)

    def made_up(self):
        """A frame that needs no other library: the package's own records."""
        model = dpmix.Generator("products", products_components=2, products_steps=2).fit(
            dpmix.Dataset.from_text(cells(), DECLARED), budget(), 1.0)
        return model.stream(DECLARED, 300, seed=1)

    def test_synthesize_refuses_before_it_fits(self):
        frame, steps = self.made_up(), []
        for error, part, wrong in ((ValueError, "n: ", {"n": -1}), (TypeError, "", {"n": 1e3}),
                                   (OverflowError, "seed", {"seed": -1}), (TypeError, "", {"seed": "1"}),
                                   (ValueError, "conditional", {"conditional": 0}),
                                   (ValueError, "conditional", {"generator": "vae", "conditional": 0}),
                                   (ValueError, "augment_mix", {"generator": "gaussian", "augment_fraction": 0.5,
                                                                "augment_mix": 0.5}),
                                   (ValueError, "labels", {"labels": "teacher"})):
            with self.assertRaisesRegex(error, part):
                dpmix.synthesize(frame, DECLARED, 1.0, 1e-5, "add-remove", products_steps=2,
                                 progress=lambda *step: steps.append(step), **wrong)
        self.assertEqual(steps, [])

    def test_synthesize_keeps_what_is_paid_for(self):
        """What the frame's library lacks is found before the fit, or the records are given as they are."""
        made_up, steps = self.made_up(), []

        def synthesize(module):
            frame = type("Frame", (), {"__module__": module, "__arrow_c_stream__": made_up.__arrow_c_stream__})()
            return dpmix.synthesize(frame, DECLARED, 1.0, 1e-5, "add-remove", n=20, products_steps=2,
                                    progress=lambda *step: steps.append(step))
        with unittest.mock.patch.dict("sys.modules", {"pyarrow": None}):
            for module in ("duckdb", "pandas.core.frame"):
                with self.assertRaises(ImportError):
                    synthesize(module)
            self.assertEqual(steps, [])
        with unittest.mock.patch.object(dpmix.Records, "to_polars", side_effect=ValueError("too old")):
            with self.assertWarnsRegex(RuntimeWarning, "polars cannot .* too old"):
                made = synthesize("polars.dataframe.frame")
        self.assertEqual((type(made), len(made)), (dpmix.Records, 20))

    def test_synthesize_knows_kinds_by_their_words(self):
        for kind, more in (("Gaussian", {}), ("VAE", {"steps": 2, "vae_hidden": 4})):
            made = dpmix.synthesize(self.made_up(), DECLARED, 1.0, 1e-5, "add-remove", n=20, generator=kind, **more)
            self.assertEqual(dpmix.Dataset.from_frame(made).classes, 3)

    def frame(self, module):
        try:
            library = __import__(module)
            __import__("pyarrow")
        except ImportError:
            self.skipTest(f"{module} or pyarrow is not there")
        rows = cells()
        columns = {"age": [int(row[0]) for row in rows],
                   "income": [None if row[1] is None else float(row[1]) for row in rows],
                   "job": [row[2] for row in rows], "member": [row[3] == "true" for row in rows],
                   "born": [datetime.date.fromisoformat(row[4]) for row in rows]}
        return library, columns

    def test_pyarrow(self):
        pyarrow, columns = self.frame("pyarrow")
        made = dpmix.synthesize(pyarrow.table(columns), DECLARED, 1.0, 1e-5, "add-remove", n=300, steps=20)
        self.assertIsInstance(made, pyarrow.Table)
        self.assertEqual(made.num_rows, 300)
        self.check_columns(made.to_pydict())
        batch = pyarrow.RecordBatch.from_pydict(columns)
        self.assertEqual(dpmix.Dataset.from_frame(batch, DECLARED).classes, 3)

    def test_pandas(self):
        pandas, columns = self.frame("pandas")
        made = dpmix.synthesize(pandas.DataFrame(columns), DECLARED, 1.0, 1e-5, "replace-one", steps=20)
        self.assertIsInstance(made, pandas.DataFrame)
        self.assertEqual((len(made), list(made.columns)), (400, list(columns)))
        made["income"] = made["income"].astype(object).where(made["income"].notna(), None)
        self.check_columns({name: made[name].tolist() for name in columns})

    def test_pandas_beside_the_schema(self):
        """Columns that it does not name are not looked at; those that it names may be in the index."""
        pandas, columns = self.frame("pandas")
        frame = pandas.DataFrame({**columns, "notes": [1, "a"] * 200, "more": 0})
        for beside in (frame, frame.rename(columns={"more": "notes"})):
            self.assertEqual(dpmix.Dataset.from_frame(beside, DECLARED).classes, 3)
        self.assertEqual(dpmix.Dataset.from_frame(frame.drop(columns="notes").set_index("age"), DECLARED).classes, 3)
        with self.assertRaisesRegex(dpmix.FormatError, "'age'.* missing"):
            dpmix.Dataset.from_frame(frame.drop(columns=["age", "notes"]), DECLARED)

    def test_pandas_of_all_years(self):
        """Before 2.0 it has nanoseconds only, in which there are no years before 1678."""
        pandas, _ = self.frame("pandas")
        schema = dpmix.Schema().timestamp("seen", "0001-01-01", "1650-01-01")
        frame = pandas.DataFrame({"seen": ["1492-10-12T02:00"] * 400})
        made = dpmix.synthesize(frame, schema, 1.0, 1e-5, "add-remove", n=30)
        self.assertIsInstance(made, pandas.DataFrame)
        self.assertTrue(all(1 <= moment.year <= 1650 for moment in made["seen"]))

    def test_frames_tell_no_values(self):
        """The words of a library that cannot make columns of its frame quote a cell."""
        pandas, columns = self.frame("pandas")
        alike = "Conversion failed for column canary4711 with type x"
        for mixed in ([17, "canary4711"], ["canary4711", 17], [17, alike]):
            frame = pandas.DataFrame({**columns, "age": pandas.Series(mixed * 200, dtype=object)})
            for call in (lambda: dpmix.Dataset.from_frame(frame, DECLARED), lambda: dpmix.Schema.of(frame),
                         lambda: dpmix.synthesize(frame, DECLARED, 1.0, 1e-5, "add-remove")):
                with self.assertRaisesRegex(dpmix.FormatError, "frame: column 'age' .*Arrow") as caught:
                    call()
                self.assertNotIn("canary", str(caught.exception))
        polars, columns = self.frame("polars")
        lazy = polars.LazyFrame({**columns, "age": ["canary4711"] * 400})
        lazy = lazy.with_columns(polars.col("age").cast(polars.Int64))
        with self.assertRaisesRegex(dpmix.FormatError, "frame: it .*Arrow") as caught:
            dpmix.Dataset.from_frame(lazy, DECLARED)
        self.assertNotIn("canary", str(caught.exception))

    def test_polars(self):
        polars, columns = self.frame("polars")
        made = dpmix.synthesize(polars.DataFrame(columns), json.dumps(DECLARED), 1.0, 1e-5, "add-remove", n=50,
                                generator="gaussian", seed=3)
        self.assertIsInstance(made, polars.DataFrame)
        self.check_columns(made.to_dict(as_series=False))
        lazy = dpmix.synthesize(polars.DataFrame(columns).lazy(), DECLARED, 1.0, 1e-5, "add-remove", n=9,
                                generator="gaussian")
        self.assertEqual((type(lazy), lazy.height), (polars.DataFrame, 9))
        with self.assertRaises(dpmix.FormatError):  # polars keeps no metadata
            dpmix.Dataset.from_frame(made)

    def test_duckdb(self):
        duckdb, columns = self.frame("duckdb")
        import pyarrow
        connection = duckdb.connect()
        connection.register("people", pyarrow.table(columns))
        relation = connection.sql("select * from people where age > 20")
        made = dpmix.synthesize(relation, DECLARED, 1.0, 1e-5, "replace-one", steps=20)
        self.assertIsInstance(made, duckdb.DuckDBPyRelation)
        self.assertEqual((len(made), made.columns), (len(relation), list(columns)))
        rows = made.fetchall()
        self.check_columns({name: [row[at] for row in rows] for at, name in enumerate(columns)})
        own = dpmix.Generator("gaussian").fit(dpmix.Dataset.from_frame(relation, NO_LABEL), budget(), 1.0)
        records = own.stream(NO_LABEL, 30)
        self.assertEqual(len(records.to_duckdb(connection).filter("age >= 17")), 30)

    def test_a_schema_travels_with_its_table(self):
        pyarrow, columns = self.frame("pyarrow")
        import pyarrow.feather
        import pyarrow.parquet
        schema = dpmix.Schema(DECLARED).unit("who", 2)
        # A curator writes it into the table's metadata, beside what is there.
        table = pyarrow.table({**columns, "who": list(range(400))}, metadata={"title": "visits"})
        table = table.replace_schema_metadata({**table.schema.metadata, **pyarrow.schema(schema).metadata})
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "table")
            pyarrow.parquet.write_table(table, path)
            read = [pyarrow.parquet.read_table(path)]
            pyarrow.feather.write_feather(table, str(path))
            read.append(pyarrow.feather.read_table(path))
        sink = io.BytesIO()
        with pyarrow.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
        read.append(pyarrow.ipc.open_stream(sink.getvalue()))
        for carrier in (table, table.schema, *read):
            self.assertEqual(dpmix.Schema.of(carrier).declared, schema.declared)
        for frame in (table, *read):  # the last one can be read once
            made = dpmix.synthesize(frame, None, 1.0, 1e-5, "add-remove", n=20, generator="gaussian")
            self.assertEqual(made.column_names, list(columns))
            self.assertEqual(dpmix.Schema.of(made).declared, schema.declared)
        with self.assertRaisesRegex(dpmix.FormatError, "no schema"):
            dpmix.synthesize(pyarrow.table(columns), None, 1.0, 1e-5, "add-remove")
        with self.assertRaisesRegex(TypeError, "n: "):
            reader = pyarrow.RecordBatchReader.from_batches(table.schema, table.to_batches())
            dpmix.synthesize(reader, DECLARED, 1.0, 1e-5, "zero-out")

    def test_rows_of_persons_are_not_public(self):
        """One person in place of another may have more rows: no figure for a person covers their number."""
        pyarrow, columns = self.frame("pyarrow")
        table = pyarrow.table({**columns, "who": list(range(400))})
        for adjacency in ("replace-one", "zero-out"):
            for schema, n in ((DECLARED, 400), (dpmix.Schema(DECLARED).unit("who", 2), 10_000)):
                made = dpmix.synthesize(table, schema, 1.0, 1e-5, adjacency, generator="gaussian")
                self.assertEqual(made.num_rows, n)
