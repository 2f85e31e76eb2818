"""Makes a forked child's randomness its own.

Generators of the init phase are re-seeded whoever seeded them: how many invocations an instance has had is chance, so no
handler can count on a global generator's sequence, but two instances that draw the same ids do harm.
"""

import gc
import os
import random
import sys

# Generators that the init phase left, found before the first fork.
_found = []


def find_generators():
    """Looks once through all that is alive; only where a library whose generators nobody else re-seeds is loaded."""
    kinds = [random.Random]
    numpy_random = sys.modules.get("numpy.random")
    for name in ("BitGenerator", "RandomState", "SeedSequence"):
        if hasattr(numpy_random, name):
            kinds.append(getattr(numpy_random, name))
    kinds = tuple(kinds)
    # By type(): isinstance would ask lazy proxies for their class, and so wake them.
    _found[:] = [value for value in gc.get_objects() if issubclass(type(value), kinds) and type(value) is not random.SystemRandom]


def everything():
    random.seed()
    for generator in _found:
        try:
            _reseed(generator)
        except Exception as error:  # a library of another age; the rest must still be re-seeded
            print("hearth: can't re-seed %s: %s" % (type(generator).__name__, error), file=sys.stderr)
    _numpy()
    _torch()
    _uuid()
    if "tempfile" in sys.modules:
        sys.modules["tempfile"]._name_sequence = None
    process = sys.modules.get("multiprocessing.process")
    if process is not None:
        process.current_process().authkey = os.urandom(32)


def _reseed(generator):
    if hasattr(generator, "seed"):  # random.Random, numpy.random.RandomState
        generator.seed()
    elif hasattr(generator, "entropy"):  # numpy.random.SeedSequence: what generators are spawned from
        _renew(generator)
    else:  # numpy.random.BitGenerator: what Generator and default_rng draw from
        generator.state = type(generator)().state
        if hasattr(generator, "seed_seq"):
            _renew(generator.seed_seq)


def _renew(sequence):
    """A seed sequence takes no other entropy, except the way pickle gives it."""
    sequence.__setstate_cython__(type(sequence)().__reduce_cython__()[2])


def _numpy():
    numpy_random = sys.modules.get("numpy.random")
    if hasattr(numpy_random, "seed"):
        numpy_random.seed()


def _torch():
    generator = getattr(sys.modules.get("torch"), "default_generator", None)
    if generator is not None:
        generator.seed()


def _uuid():
    """uuid1: libuuid's clock sequence was copied; Python's own draws one a call, and the node is made ours."""
    uuid = sys.modules.get("uuid")
    if uuid is not None:
        uuid._generate_time_safe = None
        uuid._node = int.from_bytes(os.urandom(6), "big") | (1 << 40)  # multicast bit: not a hardware address
        uuid._last_timestamp = None
