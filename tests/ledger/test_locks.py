import errno
import fcntl

import pytest

from mmst.errors import RunInUseError, UserError
from mmst.ledger.locks import run_folder, turn


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ESTALE, errno.EIO])
@pytest.mark.parametrize("held", ["run", "stage"])
def test_a_file_system_without_locks_is_one_sentence(tmp_path, monkeypatch, number, held):
    def refuse(*_):
        raise OSError(number, "no locks here")

    monkeypatch.setattr(fcntl, "flock", refuse)
    hold = run_folder(tmp_path / "x") if held == "run" else turn(tmp_path / ".lock")
    with pytest.raises(UserError, match=rf"{tmp_path}.* does not lock files \(no locks here\).*another disk"), hold:
        pass


def test_a_folder_in_use_is_refused(tmp_path):
    with run_folder(tmp_path), pytest.raises(RunInUseError, match="in use"), run_folder(tmp_path):
        pass
