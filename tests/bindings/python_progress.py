# SPDX-License-Identifier: BSD-3-Clause
"""Progress, interrupts and threads in the Python package. python_test.py runs these."""
import os
import signal
import subprocess
import sys
import threading
import unittest

import dpmix
from dpmix import _library

from python_fixtures import budget, dataset, listed


class TestProgress(unittest.TestCase):
    def model(self):
        return dpmix.Generator("vae", steps=30, vae_hidden=8, sampling_rate=0.1)

    def test_exception_comes_out(self):
        class Mine(Exception):
            pass

        def raiser(*_):
            raise Mine("text")
        money = budget()
        with self.assertRaisesRegex(Mine, "text"):
            self.model().fit(dataset(), money, 0.5, raiser)
        self.assertGreater(money.spent, 0.4)
        with self.assertRaises(dpmix.CancelledError):
            self.model().fit(dataset(), budget(), 0.5, lambda *_: False)

    def test_interrupt(self):
        """By a signal from within the callback, which is as good as a key; and without a callback of ours."""
        for progress in (lambda *_: os.kill(os.getpid(), signal.SIGINT), None):
            timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
            long = dpmix.Generator("vae", steps=1000000, vae_hidden=8, sampling_rate=0.1)
            if progress is None:
                timer.start()
            with self.assertRaises(KeyboardInterrupt):
                long.fit(dataset(), budget(), 1.0, progress)
            self.assertIs(signal.getsignal(signal.SIGINT), signal.default_int_handler)

    def test_line(self):
        script = ("import sys; sys.modules['tqdm'] = None; import dpmix; dpmix.Generator('gaussian').fit("
                  "dpmix.Dataset(bytes(800), 0, 1, columns=2), dpmix.Accountant(1.0, 1e-5, 'add-remove'), 1.0, True)")
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
        self.assertIn("train: 100 %", done.stderr)
        reader, writer = os.pipe()
        os.close(reader)  # as behind `2>&1 | head`
        script += "; print('fitted')"
        done = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=writer, text=True,
                              check=False)
        os.close(writer)
        self.assertEqual(done.stdout, "fitted\n")

    def test_accountant_in_callback(self):
        money, model, seen = budget(), self.model(), []

        def look(*_):
            seen.append(money.spent)
            with self.assertRaises(dpmix.StateError):
                model.sample(1)
        model.fit(dataset(), money, 0.5, look)
        self.assertEqual(set(seen), {money.spent})

    def test_threads(self):
        """Closing or using a handle that another thread fits is refused; a const handle serves many."""
        model, records, money, started, go = self.model(), dataset(), budget(), threading.Event(), threading.Event()

        self.addCleanup(go.set)

        def wait(*_):
            started.set()
            go.wait(30)
        thread = threading.Thread(target=model.fit, args=(records, money, 0.5, wait))
        thread.start()
        self.assertTrue(started.wait(30))
        for call in (model.close, records.close, money.close, lambda: model.sample(1),
                     lambda: model.fit(records, budget(), 0.5)):
            with self.assertRaises(dpmix.StateError):
                call()
        go.set()
        thread.join()
        wanted, found = listed(model.sample(200, seed=3).rows), []
        threads = [threading.Thread(target=lambda: found.append(listed(model.sample(200, seed=3).rows)))
                   for _ in range(4)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        self.assertEqual(found, [wanted] * 4)

    def test_nobody_enters_what_is_freed(self):
        money, seen = budget(), []
        leave = money._leave

        def leave_and_look():
            leave()
            seen.append(money._pointer)  # as another thread would that waited for the guard
        money._leave = leave_and_look
        money.close()
        money.close()
        self.assertEqual(seen, [None])

    def test_interrupt_frees_once(self):
        """Ctrl-C while a handle is freed comes out behind the library's call."""
        free = _library.library.dpmix_accountant_free
        plain, freed = free.function, []

        def interrupted(pointer):
            plain(pointer)
            freed.append(pointer)
            raise KeyboardInterrupt
        money = budget()
        free.function = interrupted
        try:
            with self.assertRaises(KeyboardInterrupt):
                money.close()
            money.close()
        finally:
            free.function = plain
        self.assertEqual(len(freed), 1)
