"""The side of the tests: what they name and do not define themselves stands in the program's process, and is asked there.

All that a program can do is give its own values. Whether two of them are equal is decided here; only where tests compare
objects of the program's own class does the program say so, and then only where they also hold the same.
Standard library only; the zygote imports this with nothing else of the package on its path.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator
from types import FunctionType
from typing import Any, NoReturn

CHECK = "check"
"""The function that HumanEval's tests define, and that is called with the function under test."""
STOPS = ("StopIteration", "StopAsyncIteration")
"""Exceptions that end a loop in the tests without a word."""


class ProgramFailed(Exception):
    """The program under test raised what is no exception of Python's, or died."""


class Judge:
    """Tests of one program.

    Args:
        tests: the tests' text.
        entry_point: the function's name, where it is known.
        exchange: the module `exchange`.
        pipes: (to read from, to write to).
    """

    def __init__(self, tests: str, entry_point: str | None, exchange: Any, pipes: tuple[int, int]) -> None:
        self.tests, self.entry_point, self.exchange = tests, entry_point, exchange
        self.calls = 0
        self.handed: list[Any] = []
        """Functions and iterators of the tests that the program was given."""
        self.named: set[str] = set()
        """What the tests name of the program's besides the function under test."""
        self.errors: dict[str, type[Exception]] = {}
        self.peer = exchange.Peer(*pipes, self._refer, self._resolve, self._serve)

    def run(self) -> dict[str, Any]:
        """Execute the tests."""
        try:
            tree = ast.parse(self.tests)
            names, defined = free_names(tree, self.entry_point), _functions(tree)
        except (SyntaxError, ValueError, RecursionError):
            return {"status": "refused", "type": "tests that are no Python"}
        result = self._outcome(tree, names, defined)
        if self.exchange.Unreadable.raised:
            return {"status": "refused", "type": f"tests need {self.exchange.Unreadable.raised[0]}"}
        return result

    def _outcome(self, tree: ast.Module, names: set[str], defined: set[str]) -> dict[str, Any]:
        try:
            space: dict[str, Any] = {"__name__": "tests", **self._named(names)}
            exec(compile(tree, "<tests>", "exec", dont_inherit=True), space)
            if CHECK in defined and self.entry_point != CHECK and not _calls(tree, CHECK):
                space[CHECK](space["candidate"])
        except (ProgramFailed, self.exchange.Gone) as error:
            return {"status": "error", "type": str(error) or "ProgramFailed"}
        except BaseException as error:
            return {"status": "error", "type": type(error).__name__}
        return (
            {"status": "ok", "type": "tests", "value": "passed"} if self.calls else {"status": "error", "type": "NothingTested"}
        )

    def _named(self, names: set[str]) -> dict[str, Any]:
        """What the tests name without defining it, and `candidate`, from the program."""
        found = {}
        for name in sorted(names | {self.entry_point or ""} - {""}):
            reply = self.peer.ask({"op": "name", "name": name})
            if "ok" in reply:
                found[name] = self.peer.decode(reply["ok"])
            elif "raised" in reply and name != "candidate":
                found[name] = _Failing(self, reply)
        functions = [value for value in found.values() if isinstance(value, Remote)]
        under_test = found.get(self.entry_point or "", functions[0] if len(functions) == 1 else None)
        self.named = {name for name, value in found.items() if value is not under_test}
        return found if under_test is None else {"candidate": under_test, **found}

    def ask(self, question: dict[str, Any]) -> Any:
        """The value of a reply."""
        return self.peer.decode(self.answered(question)["ok"])

    def answered(self, question: dict[str, Any]) -> dict[str, Any]:
        """The reply to a question; raises what the program raised."""
        reply: dict[str, Any] = self.peer.ask(question)
        if "unreadable" in reply:
            raise self.exchange.Unreadable(str(reply["unreadable"]))
        if "raised" in reply:
            raise self.raised(reply)
        return reply

    def raised(self, reply: dict[str, Any]) -> BaseException:
        """What a program raised, as tests that expect an exception know it."""
        names = [str(name) for name in reply["raised"]]
        if names[0] in STOPS and not any(stop in self.tests for stop in STOPS):
            return ProgramFailed(names[0])
        kind = self.error(names)
        if kind is None:
            return ProgramFailed(names[0])
        try:
            return kind(str(reply.get("text", "")))
        except TypeError:
            return ProgramFailed(names[0])

    def error(self, names: list[str]) -> type[Exception] | None:
        """The exception of the first of the names that is Python's; one of the program's own is made below it."""
        known = [getattr(builtins, name, None) for name in names]
        base = next((kind for kind in known if isinstance(kind, type) and issubclass(kind, Exception)), None)
        if base is None or known[0] is base:
            return base
        return self.errors.setdefault(names[0], type(names[0], (base,), {}))

    def call(self, on: dict[str, Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call something of the program's; what it does to its arguments is done to ours."""
        self.calls += 1
        sent = [self.peer.encode(arg) for arg in args]
        named = {key: self.peer.encode(arg) for key, arg in kwargs.items()}
        reply = self.answered({"op": "call", "on": on, "args": sent, "kwargs": named})
        for arg, changed in zip(args, reply.get("changed") or (), strict=False):
            if changed:
                become(arg, self.peer.decode(changed["now"]))
        own = reply.get("own")
        return args[own] if isinstance(own, int) and 0 <= own < len(args) else self.peer.decode(reply["ok"])

    def _refer(self, value: Any) -> dict[str, Any]:
        """What a program is given of ours: functions to call and iterators, and nothing else."""
        self.handed.append(value)
        if isinstance(value, Iterator):
            return {"it": len(self.handed) - 1}
        if isinstance(value, FunctionType | type(len)):
            return {"cb": len(self.handed) - 1}
        raise self.exchange.Unreadable(f"a value of type {type(value).__name__} as an argument")

    def _resolve(self, sent: dict[str, Any]) -> Any:
        if "it" in sent:
            return self._items(sent["it"])
        if "exc" in sent:
            return self.error([str(name) for name in sent["exc"]])
        return Remote(self, sent)

    def _items(self, place: int) -> Iterator[Any]:
        while "end" not in (reply := self.answered({"op": "next", "it": place})):
            yield self.peer.decode(reply["ok"])

    def _serve(self, question: dict[str, Any]) -> dict[str, Any]:
        """Answer a program: calls of what it was given, and items."""
        try:
            if question["op"] == "next":
                reply: dict[str, Any] = self.exchange.items_of(self.handed[question["it"]], self.peer)
                return reply
            args = [self.peer.decode(arg) for arg in question["args"]]
            kwargs = {key: self.peer.decode(arg) for key, arg in question["kwargs"].items()}
            return {"ok": self.peer.encode(self.handed[question["cb"]](*args, **kwargs))}
        except Exception as error:
            return {"raised": [type(error).__name__], "text": str(error)}


class Remote:
    """An object of the program's process."""

    def __init__(self, judge: Judge, sent: dict[str, Any]) -> None:
        self.__dict__.update(_judge=judge, _sent=sent, _type=str(sent["ref"][1]), _compares=bool(sent["ref"][2]))

    def __getattr__(self, name: str) -> Any:
        return self._judge.ask({"op": "get", "on": self._sent, "name": name})

    def __setattr__(self, name: str, value: Any) -> None:
        self._judge.answered({"op": "set", "on": self._sent, "name": name, "value": self._judge.peer.encode(value)})

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._judge.call(self._sent, args, kwargs)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Remote):
            return False
        same = self._judge.answered({"op": "same", "on": [self._sent, other._sent]})
        if same["identical"] or not self._compares:
            return bool(same["identical"])
        if same["equal"] and not same["alike"]:
            self._refuse(f"the equality of two {self._type}s that hold other things")
        return bool(same["equal"])

    def _refuse(self, what: str) -> NoReturn:
        """Tests that name the object's class ask what cannot be trusted; in all others a plain value should stand here."""
        if self._type in self._judge.named:
            raise self._judge.exchange.Unreadable(what)
        raise TypeError(what)

    def __hash__(self) -> int:
        return id(self)

    def _do(self, what: str, *on: Any) -> Any:
        sent = [self._sent, *map(self._judge.peer.encode, on)]
        return self._judge.ask({"op": "do", "what": what, "on": sent})

    def __str__(self) -> str:
        return str(self._do("str"))

    def __repr__(self) -> str:
        return str(self._do("repr"))

    def __len__(self) -> int:
        return int(self._do("len"))

    def __bool__(self) -> bool:
        return bool(self._do("bool"))

    def __iter__(self) -> Iterator[Any]:
        return iter(self._do("iter"))

    def __getitem__(self, key: Any) -> Any:
        return self._do("item", key)

    def __contains__(self, item: Any) -> bool:
        return bool(self._do("contains", item))

    def __instancecheck__(self, instance: Any) -> bool:
        return isinstance(instance, Remote) and bool(self._do("isinstance", instance))

    def _unknown(self, *other: Any) -> Any:
        self._refuse(f"arithmetic or order with a value of type {self._type}")

    __lt__ = __le__ = __gt__ = __ge__ = __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = _unknown
    __truediv__ = __floordiv__ = __mod__ = __pow__ = __neg__ = __abs__ = __int__ = __float__ = __index__ = _unknown


class _Failing(Remote):
    """A name of a program that failed when it was executed."""

    def __init__(self, judge: Judge, reply: dict[str, Any]) -> None:
        self.__dict__.update(_judge=judge, _sent={}, _reply=reply, _type="", _compares=False)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self._judge.calls += 1
        raise self._judge.raised(self._reply)


def become(old: Any, new: Any) -> None:
    """Give a container what another of its kind holds; containers within it that are at the same place stay themselves."""
    if type(old) is not type(new):
        return
    if isinstance(old, list):
        old[:] = [_kept(old[n] if n < len(old) else None, item) for n, item in enumerate(new)]
    elif isinstance(old, dict):
        held = {key: _kept(old.get(key), value) for key, value in new.items()}
        old.clear()
        old.update(held)
    elif isinstance(old, set):
        old.clear()
        old.update(new)
    elif isinstance(old, bytearray):
        old[:] = new
    elif hasattr(old, "appendleft"):
        old.clear()
        old.extend(new)
    elif hasattr(old, "dtype") and old.shape:
        old[...] = new


def _kept(old: Any, new: Any) -> Any:
    if type(old) is type(new) and isinstance(new, list | dict | set):
        become(old, new)
        return old
    return new


def free_names(tree: ast.AST, entry_point: str | None) -> set[str]:
    """Names that a text reads and does not bind, in any scope.

    What Python itself has is the program's only where nothing else can be what is tested: a program must not replace `all`.
    """
    read: set[str] = set()
    bound: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            (read if isinstance(node.ctx, ast.Load) else bound).add(node.id)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            bound.add(node.name)
        elif isinstance(node, ast.arg):
            bound.add(node.arg)
        elif isinstance(node, ast.alias):
            bound.add((node.asname or node.name).partition(".")[0])
        elif isinstance(node, ast.ExceptHandler) and node.name:
            bound.add(node.name)
    free = read - bound
    return free - set(dir(builtins)) or (set() if entry_point else free)


def _functions(tree: ast.Module) -> set[str]:
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def _calls(tree: ast.AST, name: str) -> bool:
    return any(isinstance(n, ast.Call) and isinstance(n.func, ast.Name) and n.func.id == name for n in ast.walk(tree))
