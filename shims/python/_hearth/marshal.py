"""Between JSON and Python, as Lambda's runtime for Python does it."""

import decimal
import json
import types

from .errors import Fault

_ASYNC = (
    "Unable to marshal response: Object of type %s is not JSON serializable. "
    "The handler is asynchronous, which Lambda's Python runtime doesn't await: make it a plain 'def' that calls asyncio.run()."
)


class _Encoder(json.JSONEncoder):
    def default(self, o):
        if isinstance(o, decimal.Decimal):
            return int(o) if o.is_finite() and o.as_tuple().exponent == 0 else float(o)
        return super().default(o)


_encoder = _Encoder(ensure_ascii=False)


def load(data):
    if not data:
        return {}
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise Fault("Runtime.UnmarshalError", "Unable to unmarshal input: %s" % error) from error


def dump(value):
    """What a handler returned, as bytes; bytes are passed on as they are."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, (types.CoroutineType, types.AsyncGeneratorType)):
        kind = type(value).__name__
        if isinstance(value, types.CoroutineType):
            value.close()
        raise Fault("Runtime.MarshalError", _ASYNC % kind)
    try:
        return encode(value)
    except Exception as error:  # a value's own methods may raise anything
        raise Fault("Runtime.MarshalError", "Unable to marshal response: %s" % error) from error


def encode(value):
    text = _encoder.encode(value)
    try:
        return text.encode()
    except UnicodeEncodeError:  # a lone surrogate has no UTF-8
        return json.dumps(json.loads(text)).encode()
