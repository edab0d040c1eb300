import pytest
from transformers import AutoConfig

from mmst.errors import ConfigError
from mmst.nano import sized
from mmst.nano.sized import logic_checkpoint, sized_checkpoint, sql_checkpoint


def test_a_base_of_another_width_is_made_once(tmp_path):
    made = sized_checkpoint(16, tmp_path / "models", examples=256)
    config = AutoConfig.from_pretrained(made)
    assert (config.hidden_size, config.intermediate_size, config.num_hidden_layers) == (16, 48, 4)
    weights = (made / "model.safetensors").stat()
    again = sized_checkpoint(16, tmp_path / "models", examples=256)
    assert (again, (made / "model.safetensors").stat().st_mtime_ns) == (made, weights.st_mtime_ns)
    assert sorted(path.name for path in (tmp_path / "models").iterdir()) == [".nano_16_256.lock", "nano_16_256"]


@pytest.mark.parametrize("hidden", [0, 12, -8])
def test_a_width_that_cannot_be_shared_out_is_refused(tmp_path, hidden):
    with pytest.raises(ConfigError, match=f"hidden={hidden} must be a multiple of 8"):
        sized_checkpoint(hidden, tmp_path)


@pytest.mark.parametrize(("world", "checkpoint"), [("logic", logic_checkpoint), ("sql", sql_checkpoint)])
def test_the_base_of_a_domain_is_made_once_from_its_recipe(tmp_path, monkeypatch, world, checkpoint):
    made = []

    def make(recipe, target, work, progress):
        made.append((recipe.world, recipe.training["examples"]))
        target.mkdir()

    monkeypatch.setattr(sized, "make_nano", make)
    assert checkpoint(tmp_path, examples=64) == checkpoint(tmp_path, examples=64) == tmp_path / f"nano_{world}_64"
    assert made == [(world, 64)]


def test_a_base_that_the_package_ships_is_taken(tmp_path):
    shipped = logic_checkpoint(tmp_path)
    assert AutoConfig.from_pretrained(shipped).model_type == "llama"
    assert list(tmp_path.iterdir()) == []
