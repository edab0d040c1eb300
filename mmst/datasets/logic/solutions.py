"""Gold solutions of the world of logic, by each of its methods. Each restates the premises, whatever their wording."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from mmst.answers.propositions import Formula, negation, rows, said_of

Clause = tuple[Formula, ...]
"""Names and negated names of which one holds at least."""


def solution(method: str, premises: Sequence[Formula], statement: Formula) -> str:
    """The solution by one of `METHODS`; premises do not contradict each other."""
    return METHODS[method](premises, statement)


def clauses(premise: Formula) -> list[Clause]:
    """A premise of the world as clauses: `p and q -> r` as (not p, not q, r).

    Raises:
        ValueError: a formula that no premise of the world is.
    """
    operator, parts = premise.operator, premise.parts
    if not parts or (operator == "not" and not parts[0].parts):
        return [(premise,)]
    if operator == "or":
        return [parts]
    if operator == "not" and parts[0].operator == "and":
        return [tuple(negation(part) for part in parts[0].parts)]
    if operator == "->":
        left = parts[0].parts if parts[0].operator == "and" else (parts[0],)
        return [(*(negation(part) for part in left), parts[1])]
    raise ValueError(f"{premise} is no premise of this world")


def in_words(premises: Sequence[Formula], statement: Formula) -> str:
    """`Fact: kind. If kind then calm. So calm. The answer is True.`"""
    said = [_premise_in_words(premise) for premise in premises]
    answer = said_of(statement, premises)
    derived = _derived(premises, statement)
    said += [f"So {literal}." for literal in derived]
    if answer == "Unknown":
        said.append(f"Nothing follows for {statement.names[0]}.")
    elif not derived or derived[-1].names != statement.names:
        said.append(f"In each case {statement if answer == 'True' else negation(statement)}.")
    return " ".join([*said, f"The answer is {answer}."])


def as_program(premises: Sequence[Formula], statement: Formula) -> str:
    """A program that looks at all cases in which the premises hold."""
    loops = " ".join(f"for {name} in (True, False)" for name in _names(premises, statement))
    tests = [clause for premise in premises for clause in clauses(premise)]
    held = " and ".join(
        f"({' or '.join(map(str, clause))})" if len(clause) > 1 and len(tests) > 1 else " or ".join(map(str, clause))
        for clause in tests
    )
    return "\n".join(
        [
            "def solution():",
            f"    rows = [{statement} {loops} if {held}]",
            '    return "True" if all(rows) else "Unknown" if any(rows) else "False"',
        ]
    )


def as_table(premises: Sequence[Formula], statement: Formula) -> str:
    """All cases, with the value of each premise and of the statement."""
    names, columns = _names(premises, statement), (*premises, statement)
    lines = [" | ".join([" ".join(names), *map(str, columns)])]
    for row in rows(names):
        cells = [_letter(formula.holds(row)) for formula in columns]
        lines.append(" | ".join([" ".join(_letter(row[name]) for name in names), *cells]))
    return "\n".join([*lines, f"The answer is {said_of(statement, premises)}."])


METHODS: Mapping[str, Callable[[Sequence[Formula], Formula], str]] = {
    "text": in_words,
    "code": as_program,
    "truth_table": as_table,
}
"""By their names."""


def _names(premises: Sequence[Formula], statement: Formula) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word for formula in (*premises, statement) for word in formula.names))


def _letter(value: bool) -> str:
    return "T" if value else "F"


def _premise_in_words(premise: Formula) -> str:
    operator, parts = premise.operator, premise.parts
    if operator == "->":
        return f"If {' and '.join(map(str, parts[0].parts if parts[0].operator == 'and' else (parts[0],)))} then {parts[1]}."
    if operator == "or":
        return f"Either {parts[0]} or {parts[1]}."
    if operator == "not" and parts[0].parts:
        return f"Not both {parts[0].parts[0]} and {parts[0].parts[1]}."
    return f"Fact: {premise}."


def _derived(premises: Sequence[Formula], statement: Formula) -> list[Formula]:
    """What follows step by step, each step from one premise and what is known, until the statement is decided."""
    waiting = [clause for premise in premises for clause in clauses(premise)]
    known = [clause[0] for clause in waiting if len(clause) == 1]
    derived: list[Formula] = []
    while waiting and not any(literal.names == statement.names for literal in derived):
        found = next((literal for clause in waiting if (literal := _unit(clause, known)) is not None), None)
        if found is None:
            break
        known.append(found)
        derived.append(found)
    return derived


def _unit(clause: Clause, known: Sequence[Formula]) -> Formula | None:
    """The only part of a clause that can still hold, where that is not known yet."""
    left = [literal for literal in clause if negation(literal) not in known]
    return left[0] if len(left) == 1 and left[0] not in known else None
