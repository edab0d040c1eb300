"""Problems from the Hugging Face Hub, such as openai/gsm8k: {"question": "Natalia sold ...", "answer": "... #### 72"}."""

from __future__ import annotations

from typing import Any

from mmst.datasets.golds import answer_kind, every, gold_and_rationale, in_one_spelling, is_finite, refuse_unknown
from mmst.errors import DataError, first_line
from mmst.types import Problem


def read_problems(name: str, config: str | None, split: str, question: str, answer: str) -> list[Problem]:
    """Read one split; rows without an answer are refused.

    Raises:
        DataError: the data set, its split or a column cannot be had.
    """
    rows = load_rows(name, config, split)
    missing = [column for column in (question, answer) if column not in rows.column_names]
    if missing:
        have = ", ".join(rows.column_names)
        raise DataError(f"dataset: {name} has no column '{missing[0]}'; it has {have} (dataset.question, dataset.answer).")
    problems: list[Problem] = every(
        enumerate(rows), lambda row: _problem(f"{name}/{split}/{row[0]}", str(row[1][question]), row[1][answer])
    )
    refuse_unknown(problems, [f"dataset: {name}, row {n}" for n in range(len(problems))])
    return problems


def _problem(id: str, question: str, answer: Any) -> Problem:
    if not is_finite(answer):
        raise DataError(f"dataset: the answer of {id} is {answer}, which is no number.")
    gold, rationale = gold_and_rationale(str(answer))
    if not gold:
        raise DataError(f"dataset: {id} has no answer.")
    kind = answer_kind(gold, ())
    return Problem(id=id, question=question, answer=in_one_spelling(gold, kind), kind=kind, rationale=rationale)


def load_rows(name: str, config: str | None, split: str) -> Any:
    """The rows of a split, as `datasets` gives them."""
    import datasets

    try:
        names = datasets.get_dataset_config_names(name)
        chosen = config or ("main" if "main" in names else names[0])
        return datasets.load_dataset(name, chosen, split=split)
    except (OSError, ValueError, RuntimeError, datasets.exceptions.DatasetsError) as error:
        raise DataError(
            f"dataset: '{name}' (split {split}) cannot be had from the Hugging Face Hub: {first_line(error)}"
        ) from error
