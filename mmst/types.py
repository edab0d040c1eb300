"""The nouns of mmst, in the order in which the data flows. The first file to read.

Problem -> Prompt -> Sample -> GradedSample -> Translation -> Example -> (training) -> Score

Every row that reaches a file is one of these frozen dataclasses. An id names its parents: a sample's id holds the
problem's, a translation's the sample's, an example's the sample or translation that it was made from.

Notation in shapes: `P` problems, `M` methods, `K` samples per problem and method, `B` rows in a batch, `T` tokens.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class AnswerKind(StrEnum):
    """What a gold answer is, hence how two answers are compared."""

    NUMBER = "number"
    CHOICE = "choice"
    YES_NO = "yes_no"
    TESTS = "tests"
    TEXT = "text"


class FinishReason(StrEnum):
    """Why a completion ended. Only `STOP` may be trained on."""

    STOP = "stop"
    """The model ended it: the end-of-sequence token, or a stop string."""
    LENGTH = "length"
    """Cut at the token limit."""
    ERROR = "error"
    """The engine failed on this request; the completion is empty and its verdict is unjudged."""


class Verdict(StrEnum):
    """The judgement of one sample. `UNJUDGED` is a failure of ours, never of the model."""

    RIGHT = "right"
    WRONG = "wrong"
    NO_ANSWER = "no_answer"
    """The completion holds no answer: no final statement, or a program that fails or prints nothing."""
    UNJUDGED = "unjudged"
    """Sandbox lost, time-out under load, unreadable gold: reported beside every score, never counted as wrong in silence."""


class DropReason(StrEnum):
    """Why a row did not become an example. One reason a row: the first that applied."""

    NOT_RIGHT = "not_right"
    UNJUDGED = "unjudged"
    TRUNCATED = "truncated"
    DUPLICATE = "duplicate"
    PER_PROBLEM_CAP = "per_problem_cap"
    ANSWER_CHANGED = "answer_changed"
    """A translation whose own answer differs from its source's."""
    NOT_CHOSEN = "not_chosen"
    """A verified translation where the recipe takes another one of its problem."""
    ANSWER_ONLY = "answer_only"
    """A solution that states its answer without deriving it."""
    WRONG_STEP = "wrong_step"
    """A text with a statement `a op b = c` that does not hold."""
    SUBSAMPLED = "subsampled"
    """Cut away to balance edges, or to match another arm's quantity."""
    TOO_LONG = "too_long"
    WITHHELD = "withheld"
    """A translation of a problem that was drawn to have none: what is learned elsewhere shows on it."""


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a gold derivation: `label = left op right`, with its value."""

    label: str
    left: str
    """A number, or the label of an earlier step."""
    operator: str
    """One of `+ - * /`."""
    right: str
    value: str


@dataclass(frozen=True, slots=True)
class Problem:
    """A question with its gold answer."""

    id: str
    question: str
    answer: str
    """A decimal string, an upper-case letter, `yes` or `no`, or free text, by `kind`. Empty where nothing is known."""
    kind: AnswerKind = AnswerKind.NUMBER
    choices: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    """For `TESTS`: statements that a right program passes. Of a question over a database: the right table as JSON, and
    its number of columns."""
    setup: str = ""
    """For `TESTS`: what runs before the tests. Of a question over a database: the SQL that makes it, or its file."""
    entry_point: str = ""
    """For `TESTS`: the name of the function that is asked for."""
    public_tests: int = 0
    """For `TESTS`: how many tests, the first ones, a solver is told. The others are never shown."""
    rationale: str | None = None
    derivation: tuple[Step, ...] = ()
    """Filled where the task knows its own derivation: rationales can be rendered by any method and audited."""
    tags: tuple[str, ...] = ()
    """What scores are broken down by, such as `family:groups`."""

    @property
    def has_gold(self) -> bool:
        """Whether a right answer is known: one that is written down, or tests."""
        return bool(self.answer or self.tests)

    @property
    def statement(self) -> str:
        """What a solver is told: the question, with the choices by their letters, or the public tests, where there are some."""
        if self.kind is AnswerKind.CHOICE:
            listed = " ".join(f"({chr(65 + i)}) {choice}" for i, choice in enumerate(self.choices))
            return f"{self.question} Answer choices: {listed}"
        if self.kind is AnswerKind.TESTS:
            shown = [f"The function is called {self.entry_point}."] if self.entry_point else []
            return "\n".join([self.question, *shown, *self.tests[: self.public_tests]])
        return self.question


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: str
    """`system`, `user` or `assistant`."""
    content: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """A conversation for an engine to go on with, K times, and the text that it makes."""

    id: str
    text: str
    seeds: tuple[int, ...]
    """One seed for each completion (K of them): what makes a sample independent of its batch."""
    stop: tuple[str, ...] = ()
    messages: tuple[Message, ...] = ()
    """The same as turns: what a chat server is sent where `chat` holds."""
    chat: bool = False
    """Whether it is a conversation: what its template wrote, where special tokens are tokens but for those in the contents."""


@dataclass(frozen=True, slots=True)
class Completion:
    """What an engine returns for one seed of one prompt."""

    text: str
    finish: FinishReason
    prompt_tokens: int
    completion_tokens: int
    mean_logprob: float | None
    """Mean natural log-probability of the sampled tokens, under the model at temperature 1."""
    error: str = ""
    """For `ERROR`: why, in a word or two, for counting."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One completion of one problem by one method."""

    id: str
    """`PROBLEM/METHOD/INDEX`; a translation's is `SOURCE_SAMPLE>METHOD/INDEX`, another way's `...>METHOD.CROSSING/INDEX`."""
    problem_id: str
    method: str
    index: int
    seed: int
    completion: str
    finish: FinishReason
    prompt_tokens: int
    completion_tokens: int
    mean_logprob: float | None
    temperature: float
    top_p: float
    max_tokens: int
    engine: str
    """Name and version of what sampled it."""
    source_id: str | None = None
    """For a translation: the sample that it was translated from."""
    error: str = ""
    """See `Completion.error`."""


@dataclass(frozen=True, slots=True)
class GradedSample:
    """A sample, the answer read out of it, and the verdict."""

    sample: Sample
    answer: str | None
    verdict: Verdict
    reason: str
    """How the answer was read, or why there is none; a word or two, for counting."""
    output: str = ""
    """What a program printed, and what it failed by: the last characters of it."""


@dataclass(frozen=True, slots=True)
class Example:
    """A prompt and a completion to train on."""

    id: str
    """The id of the sample or translation that it was made from."""
    edge: str
    problem_id: str
    prompt: str
    completion: str
    messages: tuple[Message, ...] = ()
    """The prompt as turns."""
    chat: bool = False
    """Whether a chat template wrote the prompt, see `Prompt`."""


@dataclass(frozen=True, slots=True)
class Contrasted:
    """An example as an objective is given it that compares: a solution, and another completion of the same prompt."""

    example: Example
    beside: str
    """A wrong solution by the same method; or, where each solution is taken alone, the solution of another problem."""
    beside_id: str
    right: bool = True
    """Whether the example's solution is a right one."""


@dataclass(frozen=True, slots=True)
class Preference:
    """A right and a wrong solution of one problem, for trainers that learn from pairs."""

    problem_id: str
    prompt: tuple[Message, ...]
    chosen: tuple[Message, ...]
    rejected: tuple[Message, ...]
    chosen_method: str
    rejected_method: str
    chosen_id: str
    """The sample that it was made from."""
    rejected_id: str


@dataclass(frozen=True, slots=True)
class Dropped:
    """A row that a filter refused."""

    id: str
    edge: str
    reason: str
    """A `DropReason`, or the word of a rule of the user's."""


@dataclass(frozen=True, slots=True)
class Score:
    """How often one method of one checkpoint is right on one data set."""

    accuracy: float
    """Share of the judged problems, from 0 to 1."""
    n: int
    """Judged problems."""
    low: float
    high: float
    """The 95% interval of the accuracy."""
    unjudged: int
    """Problems left out because the judging failed, not the model."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Arm `b` minus arm `a`, on the same problems."""

    a: str
    b: str
    method: str
    difference: float
    low: float
    high: float
    """The 95% interval of the difference."""
    p: float
    p_holm: float
    """`p`, corrected for the number of comparisons in the table (Holm)."""
    n: int
    discordant: int = 0
    """Problems that only one of the arms solves."""
    visible: float | None = None
    """The smallest true difference that the table's test finds with a chance of 80%, at this discordance; None: none."""
