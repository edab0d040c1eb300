"""Values between the process that runs unit tests (the judge) and the one that runs the program: as JSON, never as objects.

What both processes know is copied: plain types, containers, what the standard library counts and calculates with,
numpy's arrays.
What only one knows (an object of the program's own class, a function) stays where it is, and goes as a reference. The judge
answers for its own references nothing but calls of functions and items of iterators that the tests handed to the program.

Standard library only; the zygote imports this with nothing else of the package on its path.
"""

from __future__ import annotations

import builtins
import collections
import datetime
import decimal
import fractions
import json
import os
import struct
import sys
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

LARGEST = 1 << 24
"""Bytes of one message."""
DEEPEST = 200
"""Levels of containers in one value."""
TYPES = ("int", "float", "str", "bool", "list", "tuple", "dict", "set", "frozenset", "bytes", "bytearray", "complex", "range")
FUNCTIONS = (
    "len",
    "sum",
    "max",
    "min",
    "abs",
    "sorted",
    "round",
    "pow",
    "ord",
    "chr",
    "repr",
    "any",
    "all",
    "bin",
    "hex",
    "map",
)
PLAIN = frozenset((*TYPES, *FUNCTIONS))
"""Builtins that go by their name."""
PAIRS: tuple[tuple[str, Any], ...] = (("C", collections.Counter), ("O", collections.OrderedDict), ("d", dict))
ITEMS: tuple[tuple[str, Any], ...] = (("t", tuple), ("s", set), ("z", frozenset), ("q", collections.deque))
BASES = (dict, list, tuple, set, frozenset, str, int, float, bytes)
TIMES = (datetime.datetime, datetime.date, datetime.time, datetime.timedelta)


class Unreadable(BaseException):
    """A value that cannot go between the processes: nothing is then known of the program, also if a test catches this."""

    raised: ClassVar[list[str]] = []
    """What was the matter, of every one in this process."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.raised.append(what)


class Gone(BaseException):
    """The other process has hung up."""


class Peer:
    """One end of the exchange.

    Args:
        incoming: descriptor to read from.
        outgoing: descriptor to write to.
        refer: makes what is sent for an object that cannot be copied.
        resolve: makes an object of what was sent so.
        serve: answers what the other end asks.
    """

    def __init__(
        self,
        incoming: int,
        outgoing: int,
        refer: Callable[[Any], dict[str, Any]],
        resolve: Callable[[dict[str, Any]], Any],
        serve: Callable[[dict[str, Any]], dict[str, Any]],
    ) -> None:
        self.incoming, self.outgoing = incoming, outgoing
        self.refer, self.resolve, self.serve = refer, resolve, serve
        self.origins: dict[int, tuple[Any, dict[str, Any]]] = {}
        """What stands here for an object of the other end's, by `id`, and how it was sent."""

    def ask(self, message: dict[str, Any]) -> dict[str, Any]:
        """Send a question, answer what is asked meanwhile, and return the reply."""
        self.send(message)
        while "op" in (reply := self.receive()):
            self.send(self.serve(reply))
        return reply

    def send(self, message: dict[str, Any]) -> None:
        """Write one message."""
        data = json.dumps(message).encode()
        if len(data) > LARGEST:
            raise Unreadable("a value that is too large")
        view = memoryview(struct.pack("=I", len(data)) + data)
        while view:
            view = view[os.write(self.outgoing, view) :]

    def receive(self) -> dict[str, Any]:
        """Read one message."""
        size = struct.unpack("=I", self._exactly(4))[0]
        if size > LARGEST:
            raise Gone
        message = json.loads(self._exactly(size))
        if not isinstance(message, dict):
            raise Gone
        return message

    def _exactly(self, count: int) -> bytes:
        data = bytearray()
        while len(data) < count:
            block = os.read(self.incoming, min(count - len(data), 1 << 20))
            if not block:
                raise Gone
            data += block
        return bytes(data)

    def encode(self, value: Any, depth: int = 0) -> Any:
        """A value as JSON."""
        kind = type(value)
        if value is None or kind in (bool, int, float, str):
            return value
        if id(value) in self.origins:
            return self.origins[id(value)][1]
        if depth > DEEPEST:
            raise Unreadable("a value that is nested too deeply")
        if kind is list:
            return [self.encode(item, depth + 1) for item in value]
        return self._container(value, kind, depth) or _number(value, kind) or self._of_library(value, kind, depth)

    def _container(self, value: Any, kind: type, depth: int) -> dict[str, Any] | None:
        for tag, exact in ITEMS:
            if kind is exact:
                items = [self.encode(item, depth + 1) for item in value]
                return {tag: sorted(items, key=json.dumps) if tag in "sz" else items}
        for tag, exact in PAIRS:
            if kind is exact or (tag == "d" and kind is collections.defaultdict):
                return {tag: [[self.encode(k, depth + 1), self.encode(v, depth + 1)] for k, v in value.items()]}
        return None

    def _of_library(self, value: Any, kind: type, depth: int) -> dict[str, Any]:
        numpy = sys.modules.get("numpy")
        if numpy is not None and isinstance(value, numpy.ndarray | numpy.generic) and value.dtype.kind in "biufcSU":
            return {"np": [value.dtype.str, list(value.shape), self.encode(numpy.ravel(value).tolist(), depth)]}
        if isinstance(value, tuple) and hasattr(kind, "_fields"):
            return {"nt": [kind.__name__, list(kind._fields), [self.encode(item, depth + 1) for item in value]]}
        name = getattr(value, "__name__", None)
        if isinstance(name, str) and name in PLAIN and getattr(builtins, name, None) is value:
            return {"n": name}
        base = next((base for base in BASES if isinstance(value, base)), None)
        if base is not None and _equals(kind) is _equals(base):
            copied: dict[str, Any] = self._copied(base, value, depth)
            return copied
        sent: dict[str, Any] = self.refer(value)
        return sent

    def _copied(self, base: type, value: Any, depth: int) -> Any:
        """What an object is as one of the builtin type that its class comes from."""
        make: dict[type, Any] = {
            dict: lambda: dict(dict.items(value)),
            str: lambda: str.__str__(value),
            int: lambda: int.__int__(value),
        }
        return self.encode(make[base]() if base in make else base(value), depth + 1)

    def decode(self, sent: Any) -> Any:
        """The value that was sent."""
        if isinstance(sent, list):
            return [self.decode(item) for item in sent]
        if not isinstance(sent, dict):
            return sent
        tag, body = next(iter(sent.items()))
        for known, kind in ITEMS:
            if tag == known:
                return kind(self.decode(item) for item in body)
        for known, kind in PAIRS:
            if tag == known:
                return kind({self.decode(k): self.decode(v) for k, v in body})
        if tag in DECODED:
            return DECODED[tag](body)
        if tag == "nt":
            return collections.namedtuple(body[0], body[1])(*map(self.decode, body[2]))
        if tag == "np":
            numpy = sys.modules["numpy"]
            return numpy.array(self.decode(body[2]), dtype=body[0]).reshape(body[1])[()]
        made = self.resolve(sent)
        self.origins[id(made)] = made, sent
        return made


def _equals(kind: Any) -> Any:
    return kind.__eq__


def _number(value: Any, kind: type) -> dict[str, Any] | None:
    """Values of known types that hold no others."""
    if kind is fractions.Fraction:
        return {"F": [value.numerator, value.denominator]}
    if kind is decimal.Decimal:
        return {"D": str(value)}
    if kind is complex:
        return {"c": [value.real, value.imag]}
    if kind is range:
        return {"r": [value.start, value.stop, value.step]}
    if kind in (bytes, bytearray):
        return {"b" if kind is bytes else "B": value.decode("latin-1")}
    if kind in TIMES and getattr(value, "tzinfo", None) is None:
        fields = kind.__reduce__(value)[1] if kind is datetime.timedelta else _fields(value)
        return {"dt": [kind.__name__, list(fields)]}
    return None


def _fields(value: Any) -> list[int]:
    names = ("year", "month", "day", "hour", "minute", "second", "microsecond")
    return [getattr(value, name) for name in names if hasattr(value, name)]


DECODED: dict[str, Callable[[Any], Any]] = {
    "F": lambda body: fractions.Fraction(int(body[0]), int(body[1])),
    "D": lambda body: decimal.Decimal(str(body)),
    "c": lambda body: complex(*body),
    "r": lambda body: range(*body),
    "b": lambda body: body.encode("latin-1"),
    "B": lambda body: bytearray(body.encode("latin-1")),
    "n": lambda body: getattr(builtins, body) if body in PLAIN else None,
    "dt": lambda body: {kind.__name__: kind for kind in TIMES}[body[0]](*body[1]),
}


def items_of(iterator: Iterator[Any], peer: Peer) -> dict[str, Any]:
    """The reply to a question for the next item of an iterator."""
    for item in iterator:
        return {"ok": peer.encode(item)}
    return {"end": True}
