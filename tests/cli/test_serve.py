import pytest

from mmst.cli.answer import composed
from mmst.cli.serve import main
from mmst.config.schema import ServeSettings
from mmst.errors import ConfigError


def test_it_takes_what_answer_takes_and_where_to_listen():
    settings = composed("serve", ["policy=[router]", "port=0", "run=runs/train/default"])
    assert isinstance(settings, ServeSettings)
    assert (list(settings.policy), settings.host, settings.port, settings.run) == (
        ["router"], "127.0.0.1", 0, "runs/train/default",
    )  # fmt: skip


def test_a_port_that_is_none_is_refused():
    with pytest.raises(ConfigError, match="port"):
        composed("serve", ["port=-1"])


def test_help_shows_the_configuration(capsys):
    main(["--help"])
    shown = capsys.readouterr().out
    assert "mmst serve answers questions" in shown
    assert "port: 8000" in shown
