"""Every YAML composes, and what it describes can be built."""

import re

import pytest
from hydra.utils import instantiate
from omegaconf import OmegaConf

from mmst.cli.places import CONFIGS, SWEEPS
from mmst.config.build import build
from mmst.config.read import plain
from mmst.methods.edge import Recipe
from tests.composing import composed

JOBS = ("train", "generate", "eval")
REQUIRED = {
    "model=hf": ["model.name=x"],
    "dataset=jsonl": ["dataset.path=x"],
    "dataset=file": ["dataset.path=x"],
    "dataset=hub": ["dataset.name=x"],
    "model=served": ["model.name=x"],
    "hardware=base": ["hardware.name=x", "hardware.memory=1", "hardware.rate=1", "hardware.bandwidth=1"],
    "judge=llm": ["judge.model=x"],
    "dataset=spider": ["dataset.root=x"],
    "dataset=reasoning_gym": ["dataset.task=leg_counting"],
}
TOP_LEVEL = {
    "about", "arms", "decontaminate", "title",
    "chunk", "chunk_seconds", "dataset", "datasets", "evaluation", "executor", "filter", "init_from", "job", "method", "model",
    "name", "hardware", "objective", "paths", "on_collapse", "plan", "policy", "power", "power_from", "prompts", "push",
    "redo_unjudged", "rounds", "sampler", "sampling", "sandbox", "seed", "solvers", "splits", "tracker", "trainer",
    "translation",
}  # fmt: skip


def options(group):
    return sorted(path.stem for path in (CONFIGS / group).glob("*.yaml"))


GROUPS = ("method", "model", "dataset", "sampler", "judge", "sandbox", "filter", "trainer", "executor", "tracker", "hardware")
CHANGING = ("size", "debug", "experiment")
"""Groups whose files change what is chosen of the others."""


def choices():
    """One of each group at a time, until each file of each was chosen: a job composes in a fifth of a second."""
    files = [[f"{group}={name}" for name in options(group)] for group in GROUPS]
    files.append([f"solvers=[{name}]" for name in options("solvers")])
    return [[names[turn % len(names)] for names in files] for turn in range(max(map(len, files)))]


CHOICES = [*choices(), *([f"{group}={name}"] for group in CHANGING for name in options(group))]


@pytest.mark.parametrize("chosen", CHOICES, ids=" ".join)
def test_every_choice_composes_into_the_main_job(chosen):
    config = composed("train", *chosen, *(word for choice in chosen for word in REQUIRED.get(choice, [])))
    assert OmegaConf.to_container(config, resolve=True, throw_on_missing=True)["job"] == "train"


@pytest.mark.parametrize("job", JOBS)
def test_every_job_composes(job):
    config = composed(job)
    OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    assert config.job == job


def test_the_main_jobs_top_level_keys_are_these():
    assert set(composed("train")) == TOP_LEVEL


@pytest.mark.parametrize("name", options("method"))
def test_every_recipe_is_between_the_configured_methods(name):
    config = composed("train", f"method={name}")
    edges = config.method.edges
    recipe = Recipe.parse(config.method.name, edges if isinstance(edges, str) else list(edges), config.solvers)
    assert recipe.name == name


def test_the_defaults_build_what_they_say():
    config = plain(composed("train"))
    assert {name: build(node, name).name for name, node in config["solvers"].items()} == {"text": "text", "code": "code"}
    assert build(config["sampling"]["params"], "sampling").temperature == config["sampling"]["params"]["temperature"] > 0
    assert build(config["evaluation"]["params"], "evaluation").temperature == 0
    assert build(config["filter"], "filter").per_problem == config["filter"]["per_problem"]
    assert build(config["trainer"]["options"], "options").steps == config["trainer"]["options"]["steps"]
    assert build(config["trainer"]["trainer"], "trainer")(max_steps=1, logger=False).max_steps == 1


SETS = {"logic": ["text", "code", "truth_table"]}
"""Files of the group `solvers` that stand for several."""


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("form", ["{}", "[{}]"])
def test_one_name_stands_for_the_solvers_of_a_domain(name, form):
    nodes = plain(composed("train", f"solvers={form.format(name)}"))["solvers"]
    assert list(nodes) == SETS[name]
    assert [build(node, method).format.exemplars for method, node in nodes.items()] == [name] * len(nodes)


@pytest.mark.parametrize("name", [name for name in options("solvers") if name not in SETS])
def test_every_solver_is_the_method_of_its_name(name):
    """A file may bring others with it, as `sql` brings `text`."""
    nodes = plain(composed("train", f"solvers=[{name}]"))["solvers"]
    assert name in nodes
    assert {key: build(node, key).name for key, node in nodes.items()} == {key: key for key in nodes}


@pytest.mark.parametrize("name", options("filter"))
def test_every_filter_builds_with_what_its_file_says(name):
    node = plain(composed("train", f"filter={name}"))["filter"]
    assert build(node, "filter").per_problem == node["per_problem"]


def test_the_bare_methods_of_the_base_are_those_of_the_config(methods):
    solvers = plain(composed("train"))["solvers"]
    assert set(solvers) <= set(methods)
    for name in solvers:
        made, method = build(solvers[name], name), methods[name]
        assert (made.format.cue, made.format.lead, made.format.shots) == (method.format.cue, method.format.lead, 0)


@pytest.mark.parametrize("path", sorted(CONFIGS.rglob("*.yaml")), ids=lambda p: str(p.relative_to(CONFIGS)))
def test_every_file_says_what_it_is_for(path):
    assert path.read_text().startswith("# ")


@pytest.mark.parametrize("name", sorted(path.stem for path in SWEEPS.glob("*.yaml")))
def test_every_sweep_varies_what_is_there_and_asks_a_question(name):
    assert (SWEEPS / f"{name}.yaml").read_text().startswith("# @package _global_\n# ")
    config = composed("train", f"sweep={name}", return_hydra_config=True)
    assert config.sweep.name == name
    assert config.sweep.question.endswith("?")
    against_one = all(entry == "arms" or list(entry) == ["arms"] for entry in config.sweep.answer)
    assert len(config.sweep.contrast) == (1 if against_one else 2)
    assert config.hydra.sweep.dir == f"runs/sweep/{name}"
    params = config.hydra.sweeper.params
    grid = config.hydra.sweeper._target_.endswith("BasicSweeper")
    assert not grid or len(str(params.seed).split(",")) >= 3
    for key in params:
        parent, _, last = key.rpartition(".")
        assert last in (OmegaConf.select(config, parent) if parent else config), key
    first = [f"{key}={re.split(',(?![^[]*])', str(values))[0]}" for key, values in params.items() if grid]
    made = plain(composed("train", f"sweep={name}", *first))
    assert build(made["filter"], "filter").per_problem == made["filter"]["per_problem"]
    assert build(made["trainer"]["options"], "options").steps < 600
    assert composed("train", f"sweep={name}", "size=full", *first).trainer.options.steps == 600


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
    config = composed("train", f"trainer={name}")
    trainer = instantiate(config.trainer.trainer)(max_steps=1, logger=False)
    strategy = OmegaConf.select(config, "trainer.strategy._target_")
    assert strategy is None or type(trainer.strategy).__name__ == strategy.rpartition(".")[2]
    assert instantiate(config.trainer.options, _convert_="all").steps == 300
    assert instantiate(config.trainer.launcher, _convert_="all").processes >= 1


def test_an_experiment_has_the_last_word_but_for_the_command_line():
    found = composed("train", "experiment=smollm2_svamp")
    assert list(found.arms) == ["self_both", "code_to_text", "text_to_code", "multi_matched"]
    assert found.model.max_tokens == 96
    assert list(composed("train", "experiment=smollm2_svamp", "arms=[]").arms) == []


@pytest.mark.parametrize("size", ["full", "pretrained"])
@pytest.mark.parametrize("name", [name for name in options("objective") if name != "sft"])
def test_an_objective_of_right_and_wrong_draws_several_samples_of_a_problem(name, size):
    """With one sample a method has no right solution beside a wrong one of its own, and its arm nothing to learn from."""
    assert composed("train", f"objective={name}", f"size={size}").sampling.per_problem > 1
    assert composed("train", f"objective={name}").sampling.per_problem > composed("train").sampling.per_problem == 1
    assert composed("train", f"objective={name}", "sampling.per_problem=3").sampling.per_problem == 3


@pytest.mark.parametrize("job", JOBS)
@pytest.mark.parametrize("name", options("experiment"))
def test_every_job_takes_every_experiment(job, name):
    """A base is scored, and data is made, with the settings of the experiment."""
    found = composed(job, f"experiment={name}")
    assert found.job == job


@pytest.mark.parametrize("sampler", options("sampler"))
def test_an_experiment_goes_with_every_sampler(sampler):
    node = composed("train", "experiment=smollm2_svamp", f"sampler={sampler}").sampler
    plain = [OmegaConf.to_container(one, resolve=False) for one in (node, composed("train", f"sampler={sampler}").sampler)]
    assert plain[0] == plain[1]


def test_an_engine_within_ray_takes_all_keys_of_its_own_config():
    inner = composed("train", "sampler=ray", "sampler.engine.dtype=int8").sampler.engine
    assert dict(inner) == {**composed("train", "sampler=hf").sampler, "dtype": "int8", "_partial_": True}
    other = composed("train", "sampler=ray", "sampler@sampler.engine=vllm").sampler.engine
    assert set(other) == {*composed("train", "sampler=vllm").sampler, "_partial_"}
