"""How long each module took to import, its own imports included."""

import time
from importlib import machinery

_LOADERS = (machinery.SourceFileLoader, machinery.SourcelessFileLoader, machinery.ExtensionFileLoader)


class Timing:
    """While entered, notes the time of every module that is executed. Loaders are wrapped as classes, so no module sees another loader than ever."""

    def __init__(self):
        self._ms = {}
        self._depth = 0
        self.import_ms = 0.0  # in what the handler's module imports: the outermost is that module itself
        self._restore = []

    def __enter__(self):
        for loader in _LOADERS:
            for method in ("create_module", "exec_module"):
                self._wrap(loader, method)
        return self

    def __exit__(self, *_):
        for loader, method, own in self._restore:
            if own is None:
                delattr(loader, method)
            else:
                setattr(loader, method, own)
        self._restore = []

    def slowest(self, count):
        names = sorted(self._ms, key=self._ms.get, reverse=True)[:count]
        return [{"name": name, "ms": round(self._ms[name], 3)} for name in names]

    def _note(self, name, ms):
        self._ms[name] = self._ms.get(name, 0.0) + ms
        if self._depth == 1:
            self.import_ms += ms

    def _wrap(self, loader, method):
        original = getattr(loader, method)
        timing = self

        def timed(self, subject):  # subject: a spec to create_module, a module to exec_module
            start = time.perf_counter()
            timing._depth += 1
            try:
                return original(self, subject)
            finally:
                timing._depth -= 1
                name = getattr(subject, "name", None) if method == "create_module" else subject.__name__
                timing._note(name, (time.perf_counter() - start) * 1000)

        self._restore.append((loader, method, loader.__dict__.get(method)))
        setattr(loader, method, timed)
