import os
import random
import secrets
import socket
import tempfile
import uuid

try:
    import numpy
except ImportError:
    numpy = None

# All of these have been used during init: what they keep for next time is what a fork would copy.
random.seed(1)
random.random()
own = random.Random(7)
own.random()
uuid.uuid1()
uuid.uuid4()
uuid.getnode()
secrets.token_hex(8)
tempfile.mktemp()
if numpy:
    numpy.random.seed(3)
    numpy.random.rand()
    legacy = numpy.random.RandomState(3)
    generator = numpy.random.default_rng(5)
    generator.random()
    other = numpy.random.Generator(numpy.random.Philox(9))


def lambda_handler(event, context):
    seen = {
        "random": random.random(),
        "own": own.random(),
        "uuid1": str(uuid.uuid1()),
        "node and sequence": "%x %x" % (uuid.uuid1().node, uuid.uuid1().clock_seq),
        "uuid4": str(uuid.uuid4()),
        "token": secrets.token_hex(12),
        "urandom": os.urandom(12).hex(),
        "system": random.SystemRandom().random(),
        "temporary": os.path.basename(tempfile.mktemp()),
        "pid": str(os.getpid()),
        "logStream": os.environ["AWS_LAMBDA_LOG_STREAM_NAME"],
        "hostname": socket.gethostname(),
    }
    if numpy:
        seen["numpy"] = float(numpy.random.rand())
        seen["numpy legacy"] = float(legacy.rand())
        seen["numpy generator"] = float(generator.random())
        seen["numpy philox"] = float(other.random())
        seen["numpy spawned"] = float(generator.spawn(1)[0].random())
    return seen
