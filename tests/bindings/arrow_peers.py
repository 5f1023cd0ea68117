# SPDX-License-Identifier: BSD-3-Clause
"""Tables from and to pyarrow, DuckDB and polars, over the Arrow C stream interface, by ctypes.

Usage: arrow_peers.py LIBRARY. It skips what is not installed; in_venv.py runs it where all are.
"""
import ctypes
import datetime
import sys
import unittest

SCHEMA = b"""{"dpmix_schema": 1, "columns": [
  {"name": "age", "kind": "integer", "lower": 0, "upper": 99},
  {"name": "height", "kind": "continuous", "lower": 0.5, "upper": 2.5, "nullable": true},
  {"name": "school", "kind": "ordinal", "values": ["none", "some", "much"]},
  {"name": "job", "kind": "categorical", "values": ["clerk", "a smith who works in a large forge"],
   "other": "another", "outside": "other", "nullable": true},
  {"name": "well", "kind": "boolean", "nullable": true},
  {"name": "born", "kind": "date", "lower": "1900-01-01", "upper": "2024-12-31"},
  {"name": "seen", "kind": "timestamp", "lower": "2020-01-01T00:00:00", "upper": "2020-01-01T00:01:00"},
  {"name": "group", "kind": "categorical", "values": ["x", "y"]},
  {"name": "who", "kind": "unit", "max_rows": 2}], "label": "group"}"""
N = 3000


class Stream(ctypes.Structure):
    """struct ArrowArrayStream: four functions and the producer's data."""
    _fields_ = [(name, ctypes.c_void_p) for name in
                ("get_schema", "get_next", "get_last_error", "release", "private_data")]


class Library:
    """The few calls that the test needs."""

    def __init__(self, path):
        self.c = ctypes.CDLL(path)
        self.c.dpmix_last_error.restype = ctypes.c_char_p

    def __call__(self, name, *arguments):
        status = getattr(self.c, name)(*arguments)
        if status:
            raise RuntimeError(f"{status}: {self.c.dpmix_last_error().decode()}")

    def new(self, name, *arguments):
        handle = ctypes.c_void_p()
        self(name, ctypes.byref(handle), *arguments)
        return handle


def records():
    """Cells in and out of the schema."""
    day, moment = datetime.date(1950, 1, 1), datetime.datetime(2020, 1, 1)
    jobs = ["clerk", "a smith who works in a large forge", "nobody knows what this is", None]
    return {
        "age": [i % 120 for i in range(N)],
        "height": [None if i % 11 == 0 else 1 + i % 100 / 100 for i in range(N)],
        "school": [("none", "some", "much")[i % 3] for i in range(N)],
        "job": [jobs[i % 4] for i in range(N)],
        "well": [None if i % 7 == 0 else i % 2 == 0 for i in range(N)],
        "born": [day + datetime.timedelta(days=i) for i in range(N)],
        "seen": [moment + datetime.timedelta(milliseconds=20 * i) for i in range(N)],
        "group": ["x" if i % 3 else "y" for i in range(N)],
        "who": [f"person {i // 2}" for i in range(N)],
        "not in the schema": [[i] for i in range(N)],
    }


class Peers(unittest.TestCase):
    """Each test makes a table with one program, fits a mixture, and reads its samples with that program."""

    def setUp(self):
        self.library = LIBRARY
        self.schema = LIBRARY.new("dpmix_schema_new_json", SCHEMA)

    def tearDown(self):
        self.library.c.dpmix_schema_free(self.schema)

    def dataset(self, producer):
        """From anything with __arrow_c_stream__."""
        capsule = producer.__arrow_c_stream__()
        pointer = ctypes.pythonapi.PyCapsule_GetPointer
        pointer.restype, pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
        stream = pointer(capsule, b"arrow_array_stream")
        dataset = self.library.new("dpmix_dataset_new_stream", self.schema, ctypes.c_void_p(stream))
        self.assertIsNone(Stream.from_address(stream).release)
        return dataset

    def fit(self, dataset):
        call, c = self.library, self.library.c
        accountant = call.new("dpmix_accountant_new", ctypes.c_double(20), ctypes.c_double(1e-5), 1)
        clusterer = call.new("dpmix_clusterer_new", 1, None)
        call("dpmix_clusterer_fit", clusterer, accountant, dataset, ctypes.c_double(0.2), None, None)
        generator = call.new("dpmix_generator_new", 1, None)
        mixture = call.new("dpmix_mixture_new", clusterer, generator)
        call("dpmix_mixture_fit", mixture, accountant, dataset, ctypes.c_double(1), None, None)
        for noun, handle in (("generator", generator), ("clusterer", clusterer), ("accountant", accountant),
                             ("dataset", dataset)):
            getattr(c, f"dpmix_{noun}_free")(handle)
        return mixture

    def samples(self, mixture, n=20000):
        """As an object with __arrow_c_stream__: a capsule with a struct of our own."""
        library, schema = self.library, self.schema
        seed = ctypes.c_uint64(3)

        class Samples:
            def __arrow_c_stream__(self, requested_schema=None):
                stream = Stream()
                library("dpmix_mixture_stream", mixture, ctypes.byref(stream), schema, ctypes.c_uint64(n),
                        ctypes.byref(seed))
                KEPT.append(stream)
                new = ctypes.pythonapi.PyCapsule_New
                new.restype = ctypes.py_object
                new.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
                return new(ctypes.addressof(stream), b"arrow_array_stream", None)

        return Samples()

    def check(self, rows):
        """Records as dictionaries, nulls as None."""
        self.assertEqual(len(rows), 20000)
        values = {name: {row[name] for row in rows} for name in rows[0]}
        self.assertEqual(list(rows[0]), ["age", "height", "school", "job", "well", "born", "seen", "group"])
        self.assertTrue(all(isinstance(age, int) and 0 <= age <= 99 for age in values["age"]))
        self.assertTrue(all(height is None or 0.5 <= height <= 2.5 for height in values["height"]))
        self.assertLessEqual(values["school"], {"none", "some", "much"})
        self.assertEqual(values["job"], {"clerk", "a smith who works in a large forge", "another", None})
        self.assertEqual(values["well"], {True, False, None})
        self.assertTrue(all(datetime.date(1900, 1, 1) <= day <= datetime.date(2024, 12, 31)
                            for day in values["born"]))
        self.assertTrue(all(datetime.datetime(2020, 1, 1) <= moment <= datetime.datetime(2020, 1, 1, 0, 1)
                            for moment in values["seen"]))
        self.assertEqual(values["group"], {"x", "y"})
        share = sum(row["group"] == "x" for row in rows) / len(rows)
        self.assertAlmostEqual(share, 2 / 3, delta=0.03)
        nulls = sum(row["height"] is None for row in rows) / len(rows)
        self.assertAlmostEqual(nulls, 1 / 11, delta=0.06)

    def round_trip(self, producer, read):
        mixture = self.fit(self.dataset(producer))
        self.check(read(self.samples(mixture)))
        self.library.c.dpmix_mixture_free(mixture)

    def arrow_table(self):
        if pyarrow is None:
            self.skipTest("pyarrow is not installed")
        return pyarrow.table(records())

    def test_pyarrow(self):
        self.round_trip(self.arrow_table(), lambda samples: pyarrow.table(samples).to_pylist())

    def test_pyarrow_validates_the_batches(self):
        mixture = self.fit(self.dataset(self.arrow_table()))
        table = pyarrow.table(self.samples(mixture))
        table.validate(full=True)
        self.assertEqual([batch.num_rows for batch in table.to_batches()], [8192, 8192, 3616])
        self.assertEqual(table.schema.field("school").type.ordered, True)
        self.assertEqual(table.schema.field("age").nullable, False)
        self.assertEqual(str(table.schema.field("seen").type), "timestamp[us]")
        self.library.c.dpmix_mixture_free(mixture)

    def test_pyarrow_slices_chunks_and_types(self):
        table = self.arrow_table()
        columns = {
            "age": table["age"].cast(pyarrow.uint8()), "height": table["height"].cast(pyarrow.float32()),
            "school": table["school"].dictionary_encode(), "job": table["job"].cast(pyarrow.large_string()),
            "well": table["well"], "born": table["born"].cast(pyarrow.date64()),
            "seen": table["seen"].cast(pyarrow.timestamp("ns", "UTC")),
            "group": table["group"].cast(pyarrow.string_view()), "who": table["who"],
        }
        mixed = pyarrow.table(columns)
        parts = pyarrow.concat_tables([mixed.slice(7, 500), mixed.slice(507), mixed.slice(0, 0)])
        self.round_trip(parts, lambda samples: pyarrow.table(samples).to_pylist())

    def test_duckdb(self):
        if duckdb is None or pyarrow is None:
            self.skipTest("DuckDB or pyarrow is not installed")
        table = self.arrow_table()
        connection = duckdb.connect()
        connection.register("people", table)
        relation = connection.sql("SELECT age::DECIMAL(9, 2) AS age, height, school, job, well, born, seen, "
                                  "\"group\", who FROM people ORDER BY age")

        def read(samples):
            rows = pyarrow.table(samples)  # DuckDB finds it by its name
            result = connection.sql("SELECT * FROM rows")
            names = [column[0] for column in result.description]
            return [dict(zip(names, row)) for row in result.fetchall()]

        self.round_trip(relation, read)

    def test_polars(self):
        if polars is None:
            self.skipTest("polars is not installed")
        frame = polars.DataFrame({name: cells for name, cells in records().items()})
        self.round_trip(frame, lambda samples: polars.DataFrame(samples).to_dicts())

    def test_a_type_that_does_not_go(self):
        table = self.arrow_table().set_column(0, "age", pyarrow.array([[1]] * N))
        with self.assertRaisesRegex(RuntimeError, "column 'age': has a type that is not taken in"):
            self.dataset(table)
        table = self.arrow_table().drop_columns(["born"])
        with self.assertRaisesRegex(RuntimeError, "column 'born': is missing"):
            self.dataset(table)


KEPT = []  # structs of streams: a consumer moves the contents out, or releases them in place


def load(name):
    try:
        return __import__(name)
    except ImportError:
        return None


if __name__ == "__main__":
    pyarrow, duckdb, polars = load("pyarrow"), load("duckdb"), load("polars")
    if pyarrow is None and polars is None:
        print("neither pyarrow nor polars is installed: see tests/bindings/setup_venv.sh")
        sys.exit(77)
    LIBRARY = Library(sys.argv[1])
    unittest.main(argv=sys.argv[:1], verbosity=2)
