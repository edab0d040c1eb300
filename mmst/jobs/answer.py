"""Answers to questions that nobody has judged: by every method of a checkpoint, and a policy that chooses among them.

1. In: a question, a file of questions, or the problems of a data set.
2. Each method answers greedily, and as often as the policy needs; programs run in the sandbox.
3. Out, on the screen: the answer, whose it is, how sure the policy is, and what it cost; for several questions as JSON lines.
"""

from __future__ import annotations

import json
import logging
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from mmst.choosing import gathered
from mmst.config.build import build
from mmst.config.schema import AnswerSettings
from mmst.config.sentences import config_errors
from mmst.datasets.text_files import refuse_halves
from mmst.errors import ConfigError, DataError
from mmst.jobs.evaluate import trained_checkpoints
from mmst.jobs.opened import Job, opened
from mmst.jobs.problems import test_sets
from mmst.ledger.ledger import Ledger
from mmst.ledger.remote import ledger_at
from mmst.pipeline import Checkpoint, Pipeline, ProblemSet
from mmst.policies.case import Case, Choice
from mmst.policies.learned import Learned, learned_for, load, prepare
from mmst.policies.policy import Chooser, Policy, PolicyError
from mmst.rounds import Evaluation
from mmst.training.checkpoint import local_checkpoint
from mmst.types import AnswerKind, Problem

FILES = (".jsonl", ".txt")
"""Endings of files of questions."""
TABLES = (".csv", ".tsv", ".json", ".ndjson", ".parquet")
"""Endings of files that `dataset=file` reads."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What is told about a question."""

    id: str
    question: str
    answer: str | None
    method: str | None
    confidence: float | None
    tokens: int
    verdict: str | None
    """`right` or `wrong`, where the gold answer is known."""
    prompt_tokens: int = 0
    """Of all prompts that the policy's answers took."""


def run(settings: AnswerSettings, asked: str | None) -> None:
    """Answer what is asked, or the problems of the data set."""
    one_policy(settings)
    sets = [questions(asked, AnswerKind(settings.kind))] if asked is not None else test_sets(settings)
    with answerer(settings, ledger_at(settings.paths.ledger, settings.paths.cache)) as made:
        for problems in sets:
            rows = made.answered(problems)
            sys.stdout.write(in_words(rows[0]) if len(rows) == 1 and asked is not None else in_lines(rows))


@dataclass(frozen=True, slots=True)
class Answerer:
    """A checkpoint with its methods, and a policy that is ready to choose."""

    pipeline: Pipeline
    checkpoint: Checkpoint
    policy: Policy
    chooser: Chooser
    settings: AnswerSettings

    def answered(self, problems: ProblemSet) -> list[Answered]:
        """What is told about each problem."""
        found = _cases(self.pipeline, self.checkpoint, problems, self.policy, self.settings)
        return [answered(choice, problems.by_id[choice.id]) for choice in self.chooser.choose(found)]


@contextmanager
def answerer(settings: AnswerSettings, ledger: Ledger | None = None) -> Iterator[Answerer]:
    """What answers, open while the block runs. ledger: where what it samples stays; None: it goes when the block ends.

    Raises:
        PolicyError: the policy lacks what it needs.
    """
    (policy,) = one_policy(settings)
    with tempfile.TemporaryDirectory() as folder, opened(replace(settings, folder=Path(folder) / "run")) as job:
        job.pipeline.ledger = ledger or Ledger(Path(folder) / "ledger")  # one that says nothing
        logging.getLogger("mmst.pipeline").setLevel(logging.ERROR)  # nothing is judged where there is no gold answer
        checkpoint, learned = chosen_checkpoint(job, settings)
        policy.needs(list(job.pipeline.methods))
        ready = prepare([policy], learned)
        if policy.name in ready.missing:
            raise PolicyError(ready.missing[policy.name])
        yield Answerer(job.pipeline, checkpoint, policy, ready.choosers[policy.name], settings)


@config_errors
def one_policy(settings: AnswerSettings) -> tuple[Policy]:
    """The policy that chooses.

    Raises:
        ConfigError: there is none, or there are several.
    """
    made: list[Any] = [build(node, f"policy.{name}") for name, node in settings.policy.items()]
    if len(made) != 1 or not isinstance(made[0], Policy):
        raise ConfigError(f"policy=[{','.join(settings.policy)}] must be one policy, such as policy=[router].")
    if made[0].name == "oracle":
        raise ConfigError(
            "policy=[oracle] knows the right answer, so it can choose nothing here; take another one, such as logprob."
        )
    return (made[0],)


def questions(asked: str, kind: AnswerKind) -> ProblemSet:
    """One question, or those of a file: JSON lines with a `question` each, or one question a line.

    Raises:
        DataError: there is no question, or half of a character in one; names the file and the line, or the question.
    """
    file = _file(asked)
    if file is None:
        return one_question(asked, kind)
    texts = _read(file)
    if not any(texts):
        raise DataError(f"there is no question in {file}.")
    return _problems(texts, kind)


def one_question(asked: str, kind: AnswerKind) -> ProblemSet:
    """A question, whatever it says.

    Raises:
        DataError: it is empty, or holds half of a character.
    """
    if not asked.strip():
        raise DataError("the question is empty.")
    return _problems([asked.strip()], kind)


def _problems(texts: Sequence[str], kind: AnswerKind) -> ProblemSet:
    problems = tuple(Problem(f"question-{n}", text, "", kind) for n, text in enumerate(texts, 1) if text)
    refuse_halves(problems, "questions")
    return ProblemSet("questions", problems)


def chosen_checkpoint(job: Job, settings: AnswerSettings) -> tuple[Checkpoint, Learned | None]:
    """The checkpoint that answers, and what policies have learned for it.

    Raises:
        ConfigError: the run has no such arm, or learned nothing for the checkpoint.
    """
    checkpoint, folder = job.base, settings.learned
    if settings.run is not None:
        arms = trained_checkpoints(Path(settings.run).expanduser())
        arm = settings.arm or list(arms)[-1]
        if arm not in arms:
            raise ConfigError(f"arm={arm} is none of the run's arms: {', '.join(arms)}.")
        checkpoint, folder = Checkpoint(local_checkpoint(arms[arm])), folder or settings.run
    elif settings.arm is not None:
        raise ConfigError(f"arm={settings.arm} is an arm of a run; give the run's folder too: run=FOLDER.")
    learns = any(build(node, f"policy.{name}").learns for name, node in settings.policy.items())
    if folder is None or not learns:
        return checkpoint, None
    place = Path(folder).expanduser()
    return checkpoint, learned_for(load(place), checkpoint.key, place)


def answered(choice: Choice, problem: Problem) -> Answered:
    """A choice, with its question."""
    verdict = choice.verdict.value if problem.answer or problem.tests else None
    confidence = None if choice.confidence is None else round(choice.confidence, 4)
    told = choice.answer, choice.method, confidence, choice.tokens, verdict, choice.prompt_tokens
    return Answered(problem.id, problem.question, *told)


def in_words(row: Answered) -> str:
    """For one question: the answer in a line of its own, then the rest."""
    sure = "no confidence stated" if row.confidence is None else f"confidence {row.confidence:.2f}"
    return f"{'no answer' if row.answer is None else row.answer}\nby {row.method}, {sure}, {row.tokens} tokens\n"


def in_lines(rows: Sequence[Answered]) -> str:
    """For several: a JSON object a line."""
    return "".join(json.dumps(asdict(row), ensure_ascii=False) + "\n" for row in rows)


def _cases(
    pipeline: Pipeline, checkpoint: Checkpoint, problems: ProblemSet, policy: Policy, settings: AnswerSettings
) -> list[Case]:
    how = Evaluation(build(settings.evaluation.params, "evaluation.params"))
    asked = policy.needs(list(pipeline.methods)).samples
    params = build(settings.evaluation.sampled, "evaluation.sampled")
    greedy = {m: pipeline.graded(checkpoint, m, problems, how.greedy, 0, 1) for m in pipeline.methods}
    sampled = {m: pipeline.graded(checkpoint, m, problems, params, 0, count) for m, count in asked.items() if count}
    return gathered(pipeline, checkpoint, [policy], problems, greedy, sampled, how.greedy)


def _file(asked: str) -> Path | None:
    """The file that is meant; None for a question."""
    path = Path(asked).expanduser()
    try:
        there = path.is_file()
    except (OSError, ValueError):  # longer than a name can be
        return None
    if not there and path.suffix in FILES and len(asked.split()) == 1:
        raise DataError(f"there is no file {path}; give one that is there, or a question.")
    if path.suffix in TABLES and len(asked.split()) == 1:
        raise DataError(f"{path} is no {' or '.join(FILES)} of questions; dataset=file dataset.path={path} answers a table.")
    return path if there else None


def _read(file: Path) -> list[str]:
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{file} cannot be read as UTF-8 text.") from error
    if file.suffix != ".jsonl":
        return [line.strip() for line in lines]
    return [_question(line, f"{file}, line {number}") for number, line in enumerate(lines, 1) if line.strip()]


def _question(line: str, place: str) -> str:
    try:
        found = json.loads(line)["question"]
    except (ValueError, KeyError, TypeError):
        found = None
    if not isinstance(found, str) or not found.strip():
        raise DataError(f'{place}: it must be a JSON object with a text under "question".')
    return found.strip()
