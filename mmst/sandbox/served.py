"""The side of the program under test: its functions and objects, as the judge asks for them.

Standard library only; the zygote imports this with nothing else of the package on its path.
"""

from __future__ import annotations

import builtins
import json
from collections.abc import Iterator
from typing import Any

DONE = {
    "str": str,
    "repr": repr,
    "len": len,
    "iter": iter,
    "bool": bool,
    "isinstance": lambda kind, value: isinstance(value, kind),
    "item": lambda value, key: value[key],
    "contains": lambda value, item: item in value,
}
"""What tests do to objects of the program's."""


class Served:
    """Answers a judge's questions about one program.

    Args:
        space: the program's names.
        failure: the type of what the program raised while it was executed; empty where it raised nothing.
        exchange: the module `exchange`.
        pipes: (to read from, to write to).
    """

    def __init__(self, space: dict[str, Any], failure: str, exchange: Any, pipes: tuple[int, int]) -> None:
        self.space, self.failure, self.exchange = space, failure, exchange
        self.objects: list[Any] = []
        self.peer = exchange.Peer(*pipes, self._refer, self._resolve, self.reply)

    def serve(self) -> None:
        """Answer until the judge hangs up."""
        while True:
            self.peer.send(self.reply(self.peer.receive()))

    def reply(self, question: dict[str, Any]) -> dict[str, Any]:
        """The reply to one question, whatever the program does."""
        try:
            if self.failure:
                return {"raised": [self.failure]}
            reply: dict[str, Any] = getattr(self, f"_{question['op']}")(question)
            if len(json.dumps(reply)) > self.exchange.LARGEST:
                return {"unreadable": "a value that is too large"}
            return reply
        except self.exchange.Gone:
            raise
        except self.exchange.Unreadable as error:
            return {"unreadable": str(error)}
        except BaseException as error:
            return {"raised": [kind.__name__ for kind in type(error).__mro__], "text": _text(error)}

    def _refer(self, value: Any) -> dict[str, Any]:
        self.objects.append(value)
        kind, place = type(value), len(self.objects) - 1
        if isinstance(value, Iterator):
            return {"it": place}
        if isinstance(value, type) and issubclass(value, BaseException):
            return {"exc": [base.__name__ for base in value.__mro__]}
        return {"ref": [place, kind.__name__, _compares(kind)]}

    def _resolve(self, sent: dict[str, Any]) -> Any:
        if "ref" in sent:
            return self.objects[sent["ref"][0]]
        if "cb" in sent:
            return lambda *args, **kwargs: self._callback(sent["cb"], args, kwargs)
        if "it" in sent:
            return self._items(sent["it"])
        raise self.exchange.Unreadable("an argument")

    def _callback(self, place: int, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        encoded = [[self.peer.encode(arg) for arg in args], {key: self.peer.encode(arg) for key, arg in kwargs.items()}]
        return self._answered({"op": "call", "cb": place, "args": encoded[0], "kwargs": encoded[1]})

    def _items(self, place: int) -> Iterator[Any]:
        while "end" not in (reply := self.peer.ask({"op": "next", "it": place})):
            yield self.peer.decode(reply["ok"])

    def _answered(self, question: dict[str, Any]) -> Any:
        reply = self.peer.ask(question)
        if "raised" in reply:
            kind = getattr(builtins, str(reply["raised"][0]), Exception)
            raise kind(reply.get("text", ""))
        return self.peer.decode(reply["ok"])

    def _call(self, question: dict[str, Any]) -> dict[str, Any]:
        """Call something; the reply also holds the arguments that were changed in place."""
        function = self.peer.decode(question["on"])
        args = [self.peer.decode(arg) for arg in question["args"]]
        kwargs = {key: self.peer.decode(arg) for key, arg in question["kwargs"].items()}
        value = function(*args, **kwargs)
        own = next((n for n, arg in enumerate(args) if arg is value and not isinstance(value, int | str | tuple)), None)
        changed = [self._changed(arg, sent) for arg, sent in zip(args, question["args"], strict=True)]
        return {"ok": None if own is not None else self.peer.encode(value), "own": own, "changed": changed}

    def _changed(self, value: Any, sent: Any) -> Any:
        if not isinstance(sent, list | dict):
            return None
        now = self.peer.encode(value)
        return None if now == sent else {"now": now}

    def _name(self, question: dict[str, Any]) -> dict[str, Any]:
        name = question["name"]
        return {"ok": self.peer.encode(self.space[name])} if name in self.space else {"missing": True}

    def _next(self, question: dict[str, Any]) -> dict[str, Any]:
        reply: dict[str, Any] = self.exchange.items_of(self.objects[question["it"]], self.peer)
        return reply

    def _get(self, question: dict[str, Any]) -> dict[str, Any]:
        return {"ok": self.peer.encode(getattr(self.peer.decode(question["on"]), question["name"]))}

    def _set(self, question: dict[str, Any]) -> dict[str, Any]:
        setattr(self.peer.decode(question["on"]), question["name"], self.peer.decode(question["value"]))
        return {"ok": None}

    def _do(self, question: dict[str, Any]) -> dict[str, Any]:
        """Apply one of Python's functions to an object."""
        done: Any = DONE[question["what"]]
        values = [self.peer.decode(value) for value in question["on"]]
        return {"ok": self.peer.encode(done(*values))}

    def _same(self, question: dict[str, Any]) -> dict[str, Any]:
        first, second = (self.peer.decode(value) for value in question["on"])
        if first is second:
            return {"identical": True}
        return {"identical": False, "alike": _alike(first, second, set()), "equal": bool(first == second)}


def _compares(kind: Any) -> bool:
    """Whether a class says itself what its objects are equal to."""
    return kind.__eq__ is not object.__eq__


def _alike(first: Any, second: Any, seen: set[tuple[int, int]]) -> bool:
    """Whether two objects hold the same, their own objects included, so that no `__eq__` of a program's decides.

    `seen`: pairs that are being compared, as a child that knows its parent leads back to it.
    """
    if first is second or (id(first), id(second)) in seen:
        return True
    if type(first) is not type(second) or isinstance(first, type):
        return False
    seen.add((id(first), id(second)))
    held = [_held(value) for value in (first, second)]
    return held[0].keys() == held[1].keys() and all(_same_part(held[0][key], held[1][key], seen) for key in held[0])


def _same_part(first: Any, second: Any, seen: set[tuple[int, int]]) -> bool:
    return _alike(first, second, seen) if hasattr(first, "__dict__") else bool(first == second)


def _held(value: Any) -> dict[str, Any]:
    held = getattr(value, "__dict__", None)
    if held is None:
        held = {name: getattr(value, name, None) for name in getattr(type(value), "__slots__", ())}
    return dict(held)


def _text(error: BaseException) -> str:
    try:
        return str(error)[:1000]
    except BaseException:
        return ""
