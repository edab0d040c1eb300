import pytest

from mmst.cli.old_names import RENAMED, check_overrides
from mmst.errors import ConfigError


@pytest.mark.parametrize(
    "word", ["methods=three", "+methods/part@methods.plan=plan", "methods.text.format.shots=2", "~methods"]
)
def test_an_old_name_is_answered_with_the_new_one(word):
    with pytest.raises(ConfigError, match=r"is now solvers, as a list: 'solvers=\[text,code,.*CHANGELOG\.md"):
        check_overrides(["debug=tiny", word])


@pytest.mark.parametrize(
    "word", ["method=multi", "method.edges=all", "solvers=[text]", "+checkpoints.methods=x", "--help", "-m"]
)
def test_other_words_pass(word):
    check_overrides([word])
    assert word.partition("=")[0] not in RENAMED
