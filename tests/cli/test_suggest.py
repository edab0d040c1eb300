import pytest

from mmst.cli.places import groups
from mmst.cli.suggest import suggestion


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("In 'train': Could not find 'model/qwen_3_8b'", " Did you mean model=qwen3_8b?"),
        ("Could not find 'sweep/mian'", " Did you mean sweep=main?"),
        ("In 'train': Could not load 'solvers/cod'.", " Did you mean solvers=code?"),
        ("Could not override 'trainr'. No match", " Did you mean trainer?"),
        ("Could not override 'sampling.per_poblem'", " Did you mean sampling.per_problem?"),
        ("Could not override 'trainer.options.step'", " Did you mean trainer.options.steps?"),
        ("Could not find 'model/zzzzzzzz'", ""),
        ("In 'train': Could not load 'judge/zzzzzz'.", f" Choose one of {', '.join(groups()['judge'])}."),
        ("Could not override 'qqqqqqqqqqqqqqq'", ""),
        ("something else", ""),
    ],
)
def test_the_nearest_is_named_if_one_is_near(message, words):
    assert suggestion(message) == words
