# SPDX-License-Identifier: BSD-3-Clause
"""The progress of long calls, and their end when somebody asks for it."""
from __future__ import annotations

import contextlib
import signal
import sys
import threading
from typing import Any, Callable, Optional, Union

from ._errors import CancelledError
from ._library import Progress, word_of

# Called with (phase, done, total, epsilon_spent) between the steps of a fit.
ProgressFunction = Callable[[str, int, int, float], Any]
ProgressArgument = Union[None, bool, ProgressFunction]


class _Bar:
    """tqdm's bar where tqdm is there."""

    def __init__(self, tqdm: Any) -> None:
        self.tqdm = tqdm
        self.bar: Any = None
        self.phase = ""

    def __call__(self, phase: str, done: int, total: int, epsilon: float) -> None:
        if self.bar is None or phase != self.phase:
            self.close()
            self.phase = phase
            self.bar = self.tqdm(total=total, desc=phase, unit="step")
            self.bar.set_postfix_str(f"epsilon {epsilon:.4g}", refresh=False)
        self.bar.update(done - self.bar.n)

    def close(self) -> None:
        if self.bar is not None:
            self.bar.close()


class _Line:
    """One line on stderr, written anew at each per cent."""

    def __init__(self) -> None:
        self.last = ""

    def __call__(self, phase: str, done: int, total: int, epsilon: float) -> None:
        line = f"\r{phase}: {100 * done // max(1, total)} % of {total} steps, epsilon {epsilon:.4g}"
        if line != self.last:
            self.last = line
            sys.stderr.write(line)
            sys.stderr.flush()

    def close(self) -> None:
        if self.last:
            sys.stderr.write("\n")


def _reporter(progress: ProgressArgument) -> Any:
    if progress is None or progress is False:
        return None
    if progress is not True:
        if not callable(progress):
            raise TypeError("progress: None, True or a function is needed")
        return progress
    try:
        from tqdm.auto import tqdm  # type: ignore[import-not-found, import-untyped, unused-ignore]
    except ImportError:
        return _Line()
    return _Bar(tqdm)


class Watch:
    """Around a call with a progress callback: hands out `callback`, and raises afterwards what ended the call.

    What a callback raises cannot pass through C: it is kept, the call ends with a cancellation, and finish()
    raises it. Ctrl-C is noted by a handler that raises nothing, since an exception could strike where nobody
    keeps it; Python's own handler has its turn after the call.
    """

    def __init__(self, progress: ProgressArgument) -> None:
        self.report = _reporter(progress)
        self.raised: Optional[BaseException] = None
        self.interrupted = False
        self.callback = Progress(self._step)
        self.handler: Any = None

    def _step(self, _user: Any, phase: int, done: int, total: int, epsilon: float) -> int:
        try:
            if self.interrupted:
                return 1
            if self.report is not None and self.report(word_of("PHASE", phase), done, total, epsilon) is False:
                return 1
        except BaseException as error:  # pylint: disable=broad-exception-caught
            if not (self._is_ours() and isinstance(error, Exception)):
                self.raised = error
                return 1
            self.report = None
        return int(self.interrupted)

    def _is_ours(self) -> bool:
        """A bar that nobody reads any more, behind a closed pipe, ends no fit that is paid for."""
        return isinstance(self.report, (_Bar, _Line))

    def _note(self, *_: Any) -> None:
        self.interrupted = True

    def __enter__(self) -> "Watch":
        if threading.current_thread() is threading.main_thread():
            handler = signal.getsignal(signal.SIGINT)
            if callable(handler):
                self.handler = handler
                signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(self, kind: Any, error: Any, _trace: Any) -> None:
        if self.handler is not None:
            signal.signal(signal.SIGINT, self.handler)
        if self._is_ours():
            with contextlib.suppress(Exception):
                self.report.close()
        ended = kind is None or issubclass(kind, CancelledError)
        if self.raised is not None and ended:
            raise self.raised from None
        if self.interrupted and ended:
            self.handler(signal.SIGINT, None)
