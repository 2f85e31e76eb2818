"""Between JSON and Python, as Lambda's runtime for Python does it."""

import decimal
import json
import os
import types

from .errors import Fault

_ASYNC = (
    "Unable to marshal response: Object of type %s is not JSON serializable. "
    "The handler is asynchronous, which Lambda's Python runtime doesn't await: make it a plain 'def' that calls asyncio.run()."
)

# What JSON is made of: nothing is to be done about it.
_PLAIN = frozenset((str, int, float, bool, type(None)))
_CONTAINERS = (dict, list, tuple)
_ALL_PLAIN = _PLAIN.union(_CONTAINERS)


class _Encoder(json.JSONEncoder):
    def default(self, o):
        if isinstance(o, decimal.Decimal):
            return float("nan") if o.is_nan() else self.digits(str(o))
        if isinstance(o, bytes):
            return o.decode()
        if hasattr(o, "_asdict"):
            return o._asdict()
        return super().default(o)

    def digits(self, text):
        """Most answers have no decimals, and are written without looking for them."""
        raise _Decimals


class _Decimals(Exception):
    pass


class _DecimalEncoder(_Encoder):
    """Decimals keep every digit; a float has place for 17. They stand in the text as marks that nothing else can be, each replaced at the end."""

    def __init__(self):
        super().__init__(ensure_ascii=False)
        self.decimals = []
        self.mark = os.urandom(16).hex()

    def digits(self, text):
        self.decimals.append(text)
        return "%s:%d;" % (self.mark, len(self.decimals) - 1)

    def text(self, value):
        first, *others = self.encode(value).split('"%s:' % self.mark)
        parts = [first]
        for other in others:
            number, _, rest = other.partition(';"')
            parts += (self.decimals[int(number)], rest)
        return "".join(parts)


_encoder = _Encoder(ensure_ascii=False)


def _refuse(constant):
    raise ValueError("%s is no JSON" % constant)


# The standard library's decoder takes NaN and Infinity, which no other runtime would.
_decoder = json.JSONDecoder(parse_constant=_refuse)


def load(data):
    if not data:
        return {}
    try:
        return _decoder.decode(data.decode(json.detect_encoding(data), "surrogatepass"))
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
        return _encoded(value)
    except Exception as error:  # a value's own methods may raise anything
        raise Fault("Runtime.MarshalError", "Unable to marshal response: %s" % error) from error


def _encoded(value):
    """The standard library's encoder is many times as fast as any other; but it takes named tuples for lists, and refuses keys of bytes."""
    if not _has_as_dict(value):
        try:
            return encode(value)
        except TypeError:
            pass  # where it is no key, it is raised again
    return encode(_translated(value, ()))


def _has_as_dict(value):
    """Looked for level by level: most values of a level are of few kinds, and need not be looked at one by one."""
    level = (value,)
    seen = set()
    while True:
        kinds = set(map(type, level))
        if kinds <= _PLAIN:
            return False
        if any(issubclass(kind, _CONTAINERS) and hasattr(kind, "_asdict") for kind in kinds - _ALL_PLAIN):
            return True
        below = []
        for inner in level:
            if type(inner) in _PLAIN or id(inner) in seen:
                continue
            seen.add(id(inner))
            if isinstance(inner, dict):
                below += inner.values()
            elif isinstance(inner, _CONTAINERS):
                below += inner
        level = below


def _translated(value, within):
    """`value` with what Lambda's runtime writes in a way of its own: what has `_asdict` as an object, keys of bytes as texts."""
    if not isinstance(value, _CONTAINERS):
        return value
    if any(value is other for other in within):
        raise ValueError("Circular reference detected")
    within = (*within, value)
    if hasattr(value, "_asdict"):
        value = value._asdict()
    if isinstance(value, dict):
        return {key.decode() if isinstance(key, bytes) else key: _translated(of, within) for key, of in value.items()}
    return [_translated(of, within) for of in value]


def encode(value):
    try:
        text = _encoder.encode(value)
    except _Decimals:
        text = _DecimalEncoder().text(value)
    try:
        return text.encode()
    except UnicodeEncodeError:  # a lone surrogate has no UTF-8
        return json.dumps(json.loads(text)).encode()
