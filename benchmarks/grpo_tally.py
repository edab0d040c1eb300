"""What GRPO's sampled completions were worth, step by step: rewards, tokens against a budget, and each method's share.

1. In: the completions of a step, each with its method, its tokens and its verdict.
2. Out: a row for each step; whether the budget is spent; and an alarm for a method that the policy hardly takes any more. ARM
   (arXiv 2505.20258) calls it format collapse: GRPO rewards right answers alone, and so makes one format of reasoning prevail.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from mmst.errors import ConfigError, DataError
from mmst.types import Verdict


@dataclass(frozen=True, slots=True)
class Drawn:
    """One completion."""

    method: str
    tokens: int
    """What was sampled of it: neither its prompt, nor a cue that was put in."""
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Alarm:
    """A method whose share has fallen below what was wanted."""

    method: str
    step: int
    share: float
    """Of the last steps' completions."""
    least: float
    tokens: int
    """Sampled so far."""

    def __str__(self) -> str:
        return (
            f"alarm: after step {self.step} ({self.tokens:,} tokens) the policy takes {self.method} in {self.share:.1%} of its "
            f"completions, less than {self.least:.1%}: one method goes out of use (format collapse, arXiv 2505.20258). Try a "
            "lower --lr, a --kl above 0, or --settings both, which asks every method."
        )


def reward(verdict: Verdict) -> float | None:
    """1 for a right answer, 0 for a wrong one or none; None where nothing is known, which trl leaves out of the group."""
    return None if verdict is Verdict.UNJUDGED else float(verdict is Verdict.RIGHT)


def budget_of(costs: Sequence[Mapping[str, Any]], arm: str) -> int:
    """The tokens that an arm of a run sampled and translated in all of its rounds. costs: as in results.json.

    Raises:
        DataError: the run has no such arm, or it sampled nothing.
    """
    rows = [row for row in costs if row["arm"] == arm]
    if not rows:
        there = ", ".join(dict.fromkeys(str(row["arm"]) for row in costs)) or "none"
        raise DataError(
            f"grpo: the run trained no arm '{arm}' to match the tokens of; it trained {there}. Name one by --match."
        )
    return sum(int(row["sampled_tokens"]) + int(row["translated_tokens"]) for row in rows)


class Tally:
    """Counts the completions of each step."""

    def __init__(self, methods: Sequence[str], budget: int, least: float = 0.0, window: int = 5) -> None:
        """least: the share below which a method raises the alarm, over the last `window` steps; 0: none does.

        Raises:
            ConfigError: there is nothing to spend, no step to look at, or more is asked of the methods than they can all have.
        """
        if budget < 1 or window < 1:
            raise ConfigError(f"grpo: a budget of {budget} tokens and a window of {window} steps must both be at least 1.")
        if not 0 <= least < 1 / len(methods):
            raise ConfigError(f"grpo: --least {least} must be at least 0 and below {1 / len(methods):g}, an even share.")
        self.methods = tuple(methods)
        self.budget = budget
        self.least = least
        self.window = window
        self.steps: list[dict[str, Any]] = []
        self.alarms: list[Alarm] = []

    @property
    def tokens(self) -> int:
        """Sampled so far."""
        return int(self.steps[-1]["tokens"]) if self.steps else 0

    @property
    def spent(self) -> bool:
        """Whether the budget is used up."""
        return self.tokens >= self.budget

    def add(self, drawn: Sequence[Drawn]) -> list[Alarm]:
        """A step's completions; returns the alarms that are new."""
        row = {
            "step": len(self.steps) + 1,
            "tokens": self.tokens + sum(one.tokens for one in drawn),
            "unjudged": sum(one.verdict is Verdict.UNJUDGED for one in drawn),
            "methods": {name: _counts([one for one in drawn if one.method == name], len(drawn)) for name in self.methods},
        }
        self.steps.append(row)
        known = {alarm.method for alarm in self.alarms}
        new = [alarm for alarm in self._fallen() if alarm.method not in known]
        self.alarms += new
        return new

    def shares(self) -> dict[str, float]:
        """Each method's share of the completions of the last `window` steps."""
        rows = self.steps[-self.window :]
        counts = {name: sum(row["methods"][name]["completions"] for row in rows) for name in self.methods}
        return {name: count / max(1, sum(counts.values())) for name, count in counts.items()}

    def right(self) -> float | None:
        """The share of right ones among the judged completions of the last `window` steps; None: nothing was judged."""
        cells = [cell for row in self.steps[-self.window :] for cell in row["methods"].values()]
        judged = sum(cell["judged"] for cell in cells)
        return sum(cell["right"] for cell in cells) / judged if judged else None

    def plain(self) -> dict[str, Any]:
        """All of it, as JSON's own types."""
        return {
            "budget": self.budget,
            "tokens": self.tokens,
            "least": self.least,
            "window": self.window,
            "alarms": [{**asdict(alarm), "sentence": str(alarm)} for alarm in self.alarms],
            "steps": self.steps,
        }

    def _fallen(self) -> list[Alarm]:
        """The methods that are below `least` now; none before the first window is full."""
        if len(self.steps) < self.window:
            return []
        below = {name: share for name, share in self.shares().items() if share < self.least}
        return [Alarm(name, len(self.steps), share, self.least, self.tokens) for name, share in below.items()]


def _counts(drawn: Sequence[Drawn], whole: int) -> dict[str, Any]:
    """What became of one method's completions. whole: how many all methods have."""
    judged = [one for one in drawn if one.verdict is not Verdict.UNJUDGED]
    return {
        "completions": len(drawn),
        "share": len(drawn) / max(1, whole),
        "judged": len(judged),
        "right": sum(one.verdict is Verdict.RIGHT for one in judged),
    }
