import errno
from concurrent.futures.process import BrokenProcessPool

import pytest
from hydra.errors import ConfigCompositionException

from mmst.config.sentences import config_errors, explained, one_line
from mmst.errors import ConfigError, DataError


def test_the_users_own_mistake_is_found_behind_other_errors():
    error = RuntimeError("hydra says something")
    error.__cause__ = DataError("x.jsonl, line 3: not JSON")
    assert explained(error) == "x.jsonl, line 3: not JSON"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "runs/x"), "no space is left on the device of runs/x"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "no space is left on the device of what was being written"),
        (OSError(errno.EROFS, "Read-only file system", "runs/x"), "runs/x lies on a read-only file system"),
        (PermissionError(errno.EACCES, "Permission denied", "runs/x"), "runs/x: permission denied."),
        (FloatingPointError("the loss of step 3 is not finite"), "step 3"),
        (ConfigCompositionException("Could not find 'a'\nConfig search path:\n\tb"), "config: Could not find 'a'"),
        (BrokenProcessPool("The exit codes of the workers are {SIGKILL(-9), EXIT(1)}"), "outside (SIGKILL), most often"),
        (BrokenProcessPool("A child process terminated abruptly"), "no signal is known"),
        (RuntimeError("a bug of ours"), None),
    ],
)
def test_what_is_explained_and_what_is_ours(error, words):
    sentence = explained(error)
    assert sentence is None if words is None else words in sentence


def test_what_a_reader_of_the_configuration_stumbles_over_is_the_configurations_fault():
    @config_errors
    def read(values):
        return values["a"]["b"]

    assert read({"a": {"b": 1}}) == 1
    with pytest.raises(ConfigError, match="'b'"):
        read({"a": {}})


def test_a_librarys_words_are_one_line():
    assert one_line(ValueError("first\n  full_key: a\n second")) == "first second"
