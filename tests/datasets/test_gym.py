import pytest

from mmst.datasets.gym import generate_problems
from mmst.errors import DataError
from mmst.types import AnswerKind


def test_splits_share_no_problem_and_come_again():
    splits = {split: generate_problems("gsm_symbolic", split, 20) for split in ("train", "validation", "test")}
    texts = [{p.question for p in problems} for problems in splits.values()]
    assert [len(t) for t in texts] == [20, 20, 20]
    assert not (texts[0] & texts[1] | texts[0] & texts[2] | texts[1] & texts[2])
    assert generate_problems("gsm_symbolic", "test", 20) == splits["test"]
    assert {p.kind for p in splits["train"]} == {AnswerKind.NUMBER}


def test_answers_that_are_no_numbers_are_texts():
    assert {p.kind for p in generate_problems("word_sorting", "test", 5)} == {AnswerKind.TEXT}


def test_options_reach_the_task():
    few = generate_problems("leg_counting", "test", 3, options={"min_animals": 1, "max_animals": 1})
    assert all(p.kind is AnswerKind.NUMBER for p in few)


@pytest.mark.parametrize(("task", "options"), [("no_such_task", None), ("gsm_symbolic", {"no_such_option": 1})])
def test_a_task_that_cannot_be_made_is_named(task, options):
    with pytest.raises(DataError, match=task):
        generate_problems(task, "test", 2, options=options)


def test_splits_by_template_share_none_and_other_tasks_have_none():
    made = {split: generate_problems("gsm_symbolic", split, 60, by_template=True) for split in ("train", "validation", "test")}
    templates = {
        split: {tag for p in problems for tag in p.tags if tag.startswith("template:")} for split, problems in made.items()
    }
    assert all(len(found) >= 10 for found in templates.values())
    assert not templates["train"] & templates["test"]
    assert not templates["train"] & templates["validation"]
    assert not templates["validation"] & templates["test"]
    with pytest.raises(DataError, match="not made from templates"):
        generate_problems("chain_sum", "test", 3, by_template=True)
