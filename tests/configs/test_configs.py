"""Every YAML composes, and what it describes can be built."""

from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.utils import instantiate
from omegaconf import OmegaConf

from mmst.entry import register_resolvers
from mmst.methods.edge import Recipe

CONFIGS = Path(__file__).parents[2] / "configs"
SWEEPS = CONFIGS.parent / "sweeps"
JOBS = ("train", "generate", "eval")
REQUIRED = {
    "model=hf": ["model.name=x"],
    "dataset=jsonl": ["dataset.path=x"],
    "dataset=hub": ["dataset.name=x"],
    "model=served": ["model.name=x"],
    "hardware=base": ["hardware.name=x", "hardware.memory=1", "hardware.rate=1", "hardware.bandwidth=1"],
    "dataset=reasoning_gym": ["dataset.task=leg_counting"],
}
TOP_LEVEL = {
    "about", "decontaminate",
    "arms", "chunk", "dataset", "datasets", "evaluation", "filter", "init_from", "job", "method", "methods", "model", "name",
    "hardware", "paths", "plan", "redo_unjudged",
    "rounds", "sampler", "sampling", "sandbox", "seed", "splits", "tracker", "trainer", "translation",
}  # fmt: skip


@pytest.fixture(autouse=True)
def hydra_config():
    register_resolvers()
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        yield


def options(group):
    return sorted(path.stem for path in (CONFIGS / group).glob("*.yaml"))


CHOICES = [
    f"{group}={name}"
    for group in (
        "method",
        "methods",
        "model",
        "dataset",
        "sampler",
        "sandbox",
        "filter",
        "trainer",
        "tracker",
        "hardware",
        "size",
        "debug",
        "experiment",
    )
    for name in options(group)
]


@pytest.mark.parametrize("choice", CHOICES)
def test_every_choice_composes_into_the_main_job(choice):
    config = compose("train", overrides=["name=x", choice, *REQUIRED.get(choice, [])])
    assert OmegaConf.to_container(config, resolve=True, throw_on_missing=True)["job"] == "train"


@pytest.mark.parametrize("job", JOBS)
def test_every_job_composes(job):
    config = compose(job, overrides=["name=x"])
    OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    assert config.job == job


def test_the_main_jobs_top_level_keys_are_these():
    assert set(compose("train", overrides=["name=x"])) == TOP_LEVEL


@pytest.mark.parametrize("name", options("method"))
def test_every_recipe_is_between_the_configured_methods(name):
    config = compose("train", overrides=["name=x", f"method={name}"])
    edges = config.method.edges
    recipe = Recipe.parse(config.method.name, edges if isinstance(edges, str) else list(edges), config.methods)
    assert recipe.name == name


def test_the_defaults_build():
    config = compose("train", overrides=["name=x"])
    for node in (
        "methods.text",
        "methods.code",
        "sampling.params",
        "evaluation.params",
        "filter",
        "sampler",
        "trainer.options",
    ):
        assert instantiate(OmegaConf.select(config, node), _convert_="all") is not None
    assert instantiate(config.trainer.trainer)(max_steps=1, logger=False).max_steps == 1


def test_the_bare_methods_of_the_base_are_those_of_the_config(methods):
    config = compose("train", overrides=["name=x"])
    for name, method in methods.items():
        made = instantiate(config.methods[name], _convert_="all")
        assert (made.format.cue, made.format.lead, made.format.shots) == (method.format.cue, method.format.lead, 0)


@pytest.mark.parametrize("path", sorted(CONFIGS.rglob("*.yaml")), ids=lambda p: str(p.relative_to(CONFIGS)))
def test_every_file_says_what_it_is_for(path):
    assert path.read_text().startswith("# ")


@pytest.mark.parametrize("name", sorted(path.stem for path in SWEEPS.glob("*.yaml")))
def test_every_sweep_varies_what_is_there_and_asks_a_question(name):
    assert (SWEEPS / f"{name}.yaml").read_text().startswith("# @package _global_\n# ")
    config = compose("train", overrides=["name=x", f"sweep={name}"], return_hydra_config=True)
    assert config.sweep.name == name
    assert config.sweep.question.endswith("?")
    assert len(config.sweep.contrast) == 2
    assert config.hydra.sweep.dir == f"runs/sweep/{name}"
    params = config.hydra.sweeper.params
    grid = config.hydra.sweeper._target_.endswith("BasicSweeper")
    assert not grid or len(str(params.seed).split(",")) >= 3
    for key in params:
        parent, _, last = key.rpartition(".")
        assert last in (OmegaConf.select(config, parent) if parent else config), key
    for first in [{key: str(values).split(",")[0] for key, values in params.items()}]:
        overrides = [f"{key}={value}" for key, value in first.items() if grid]
        made = compose("train", overrides=["name=x", f"sweep={name}", *overrides])
        assert instantiate(made.filter, _convert_="all") is not None
        assert instantiate(made.trainer.options, _convert_="all").steps < 600
        full = compose("train", overrides=["name=x", f"sweep={name}", "size=full", *overrides])
        assert full.trainer.options.steps == 600


@pytest.mark.parametrize("name", options("trainer"))
def test_every_trainer_builds(name, monkeypatch):
    """On a machine that says it has two GPUs: Lightning and DeepSpeed only look at them when a training starts."""
    if name.startswith("deepspeed"):
        pytest.importorskip("deepspeed")
    monkeypatch.setattr("lightning.pytorch.accelerators.CUDAAccelerator.is_available", staticmethod(lambda: True))
    monkeypatch.setattr("lightning.pytorch.accelerators.CUDAAccelerator.auto_device_count", staticmethod(lambda: 2))
    monkeypatch.setattr("lightning.fabric.accelerators.cuda.num_cuda_devices", lambda: 2)
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    config = compose("train", overrides=["name=x", f"trainer={name}"])
    trainer = instantiate(config.trainer.trainer)(max_steps=1, logger=False)
    strategy = OmegaConf.select(config, "trainer.strategy._target_")
    assert strategy is None or type(trainer.strategy).__name__ == strategy.rpartition(".")[2]
    assert instantiate(config.trainer.options, _convert_="all").steps == 600
    assert instantiate(config.trainer.launcher, _convert_="all").processes >= 1


def test_an_experiment_has_the_last_word_but_for_the_command_line():
    found = compose("train", overrides=["name=x", "experiment=smollm2_svamp"])
    assert list(found.arms) == ["self_both", "code_to_text", "text_to_code", "multi_matched"]
    assert found.model.max_tokens == 96
    assert list(compose("train", overrides=["name=x", "experiment=smollm2_svamp", "arms=[]"]).arms) == []


@pytest.mark.parametrize("job", JOBS)
@pytest.mark.parametrize("name", options("experiment"))
def test_every_job_takes_every_experiment(job, name):
    """A base is scored, and data is made, with the settings of the experiment."""
    found = compose(job, overrides=["name=x", f"experiment={name}"])
    assert found.job == job


@pytest.mark.parametrize("sampler", options("sampler"))
def test_an_experiment_goes_with_every_sampler(sampler):
    node = compose("train", overrides=["name=x", "experiment=smollm2_svamp", f"sampler={sampler}"]).sampler
    assert node == compose("train", overrides=["name=x", f"sampler={sampler}"]).sampler
