import sys

import pytest

from mmst.errors import SandboxUnavailableError
from mmst.sandbox import probe


def test_this_machine_is_asked():
    assert set(probe.features()) == {"seccomp", "landlock", "namespaces"} == set(probe.MEANING)


@pytest.mark.parametrize("system", ["darwin", "win32"])
def test_another_system_is_one_sentence(monkeypatch, system):
    monkeypatch.setattr(sys, "platform", system)
    with pytest.raises(SandboxUnavailableError, match=f"{system} does not have; run mmst on Linux"):
        probe.features()
