import time
from contextlib import contextmanager


class Stopwatch:
    """Times the steps of one invocation, in milliseconds."""

    def __init__(self):
        self._started = time.perf_counter()
        self._steps = {}

    @contextmanager
    def time(self, step: str):
        started = time.perf_counter()
        yield
        self._steps[step] = _ms_since(started)

    def timings(self) -> dict:
        return {**self._steps, "totalMs": _ms_since(self._started)}


def _ms_since(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 2)
