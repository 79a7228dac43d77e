"""Serves functions of a skill of vox to its component: the other side of `[serve]` in `skill.toml`.

One file, Python 3.8 or newer, nothing but the standard library. Copy it beside your worker; both run as they are:

    from vox_worker import Err, function, serve

    @function
    def shout(text: str) -> str:
        return text.upper()

    @function("divide")
    def div(a: float, b: float) -> float:
        if b == 0:
            raise Err("division by zero")      # the `err` of a `result<f64, string>`
        return a / b

    serve()

Or with a table: `serve({"shout": str.upper, "divide": div})`. A function gets its arguments in the order of the WIT
parameters, as the JSON mapping of vox has them (docs/guide.md, "Values"): records are dictionaries with the names of
the WIT, options are `None` or the value, variants `{"tag": …, "val": …}`, `list<u8>` is base64 text. It gives back
the same, where dataclasses, tuples, sets, bytes and enums do as well, and NaN and infinities are written as vox wants them.

Where the WIT says `result<T, E>`, give the T back, or raise `Err(e)`. Any other exception is a fault of the worker: the call
of the skill ends, and the traceback on standard error is shown with it. What is printed goes to standard error, because
standard output is for the protocol alone.
"""

import base64
import dataclasses
import enum
import io
import json
import math
import os
import struct
import sys
import traceback

PROTOCOL = 1
"""The version of the protocol that this file speaks."""

FUNCTIONS = {}
"""What `@function` has gathered, by the name in the WIT."""


class Err(Exception):
    """Raised for the `err` of a `result`; without a value for `result<T>`."""

    def __init__(self, value=None):
        super().__init__(value)
        self.value = value


def function(name):
    """Serves a function under its own name with `-` for `_`, or under the name that is given: `@function("to-html")`."""
    if callable(name):
        FUNCTIONS[name.__name__.replace("_", "-")] = name
        return name

    def register(work):
        FUNCTIONS[name] = work
        return work

    return register


def serve(functions=None):
    """Answers calls until vox closes standard input. Does not return before that."""
    known = FUNCTIONS if functions is None else functions
    source, sink = _streams()
    greeting = _read(source)
    if greeting is None:
        return
    if greeting.get("protocol") != PROTOCOL:
        sys.exit("this worker speaks version %d of the protocol, and vox %r" % (PROTOCOL, greeting.get("protocol")))
    _write(sink, {"protocol": PROTOCOL})
    while True:
        call = _read(source)
        if call is None:
            return
        _write(sink, _answer(known, call))


def _streams():
    """The pipes to vox. From here on `print` and child processes write to standard error, and read nothing."""
    sys.stdout.flush()
    source = io.open(os.dup(0), "rb")
    sink = io.open(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return source, sink


def _answer(known, call):
    name = call["call"]
    try:
        work = known.get(name)
        if work is None:
            raise LookupError("the worker has no function %r; it has: %s" % (name, ", ".join(sorted(known))))
        try:
            value = work(*call["arguments"].values())
            text = {"id": call["id"], "value": {"ok": value} if call["fallible"] else value}
        except Err as error:
            if not call["fallible"]:
                raise TypeError("%s raised Err, and the function has no err in the WIT" % name) from error
            text = {"id": call["id"], "value": {"err": error.value}}
        return _encode(text)
    except Exception as error:  # whatever it is, vox is to hear of it
        traceback.print_exc()
        sys.stderr.flush()
        return _encode({"id": call["id"], "error": "%s: %s" % (type(error).__name__, error)})


def _encode(value):
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_plain)
    except ValueError:
        # A float without a JSON form somewhere: the slow way, which names them as vox does.
        text = json.dumps(_named(value), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode("utf-8")


def _plain(value):
    """What `json` does not know."""
    if isinstance(value, (bytes, bytearray, memoryview)):
        return base64.b64encode(bytes(value)).decode("ascii")
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name.replace("_", "-"): getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    if hasattr(value, "item"):  # a number of NumPy
        return value.item()
    raise TypeError("%s has no form in JSON: %r" % (type(value).__name__, value))


def _named(value):
    if isinstance(value, float) and not math.isfinite(value):
        return "nan" if math.isnan(value) else ("inf" if value > 0 else "-inf")
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, dict):
        return {key: _named(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_named(item) for item in value]
    return _named(_plain(value))


def _read(source):
    """One frame; None at the end."""
    head = source.read(4)
    if not head:
        return None
    (length,) = struct.unpack(">I", head)
    text = source.read(length)
    if len(text) < length:
        return None
    return json.loads(text.decode("utf-8"))


def _write(sink, message):
    text = message if isinstance(message, bytes) else _encode(message)
    sink.write(struct.pack(">I", len(text)) + text)
    sink.flush()
