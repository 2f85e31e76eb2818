"""Entry of the Python shim: `python3 -u main.py` with HEARTH_SOCKET and HEARTH_TOKEN in the environment.

The shim lives in the package `_hearth`, and its folder leaves the module search path before a function's code runs:
whatever a function calls its modules, they never meet the shim's.
"""

import os
import sys


def start():
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path.insert(0, here)
    from _hearth import compact

    compact.standard_first()
    from _hearth import process

    sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry or ".") != here]
    process.main()


if __name__ == "__main__":
    start()
