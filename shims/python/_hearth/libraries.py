"""Numeric libraries start a thread for every CPU unless told otherwise, and threads don't survive a fork. The init phase has one CPU."""

import os
import sys
from contextlib import contextmanager
from importlib import machinery

_VARIABLES = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "BLIS_NUM_THREADS": "1",
    "GOTO_NUM_THREADS": "1",
    "TBB_NUM_THREADS": "1",
    "NUMEXPR_NUM_THREADS": "1",
    "VECLIB_MAXIMUM_THREADS": "1",
    "RAYON_NUM_THREADS": "1",
    "OPENCV_FOR_THREADS_NUM": "1",
    "TOKENIZERS_PARALLELISM": "false",
    # From 1.29 on, importing onnxruntime starts a thread that uploads telemetry.
    "ORT_DISABLE_TELEMETRY": "1",
}


# Those that the function did not set itself.
_ours = []


def one_thread_each(environment):
    """What the function sets itself stays."""
    _ours[:] = [name for name in _VARIABLES if name not in environment]
    for name in _ours:
        environment[name] = _VARIABLES[name]


def restore():
    """
    After init: takes the variables back, for programs that whatever serves starts and libraries that it loads only then. What was loaded
    during init stays at one thread: a pool it believed to have would not survive the fork.
    """
    for name in _ours:
        if os.environ.get(name) == _VARIABLES[name]:
            del os.environ[name]
    _ours[:] = []


@contextmanager
def modest():
    """While entered, libraries that have no variable for it are set up when they are imported, and until it is left."""
    initialising = [True]
    original = machinery.SourceFileLoader.exec_module
    own = machinery.SourceFileLoader.__dict__.get("exec_module")

    def exec_module(self, module):
        original(self, module)
        if module.__name__ in _SETUPS:
            _SETUPS[module.__name__](module, initialising)

    for name, setup in _SETUPS.items():
        if name in sys.modules:
            setup(sys.modules[name], initialising)
    machinery.SourceFileLoader.exec_module = exec_module
    try:
        yield
    finally:
        initialising[0] = False
        if own is None:
            del machinery.SourceFileLoader.exec_module
        else:
            machinery.SourceFileLoader.exec_module = own


def _torch(module, _):
    module.set_num_threads(1)
    module.set_num_interop_threads(1)


def _cv2(module, _):
    module.setNumThreads(1)


def _onnxruntime(module, initialising):
    """Sessions of the init phase get one thread, unless the function's options say a number."""
    session = module.InferenceSession
    original = session.__init__

    def __init__(self, path_or_bytes, sess_options=None, *args, **kwargs):
        if initialising[0]:
            options = sess_options
            if options is None:
                options = sys.modules["onnxruntime.capi._pybind_state"].SessionOptions()
            if options.intra_op_num_threads == 0:
                options.intra_op_num_threads = 1
            if options.inter_op_num_threads == 0:
                options.inter_op_num_threads = 1
            sess_options = options
        original(self, path_or_bytes, sess_options, *args, **kwargs)

    session.__init__ = __init__


_SETUPS = {"torch": _torch, "cv2": _cv2, "onnxruntime.capi.onnxruntime_inference_collection": _onnxruntime}
