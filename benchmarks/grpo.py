"""GRPO beside self-training: trl's GRPOTrainer on a finished run's base and problems, at the tokens that an arm of it sampled.

    python train.py                                             a run to stand beside
    python benchmarks/grpo.py --run runs/train/default          both settings, then a table

Rewards are the run's own verdicts: 1 for a right answer (texts are read, programs run in the sandbox), 0 for any other, and
none for what could not be judged, without which its group is normalized. Training stops with the step that uses up the tokens
that the arm `--match` sampled and translated. What is trained is measured on the run's test problems, as the run's arms were.

    both      each problem is asked by each method: as many environments as there are methods
    choose    a prompt stops before the method's cue, and the policy's next token decides between the cues (grpo_choice.py).
              Each method's share of the completions is recorded, and a share below `--least` raises an alarm
    choose-even    the same, with fixed offsets by which the base chooses each method equally often on average

It is a baseline: nothing of it was tuned. Needs trl (`pip install -c constraints.txt -e ".[bench]"`).
"""

from __future__ import annotations

import argparse
import json
import logging
import math
import os
import shutil
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from grpo_choice import PROBE, Choice, even_offsets, fork
from grpo_run import CHOSEN, Beside, Outcomes, beside, chosen_outcomes, differences, with_mean
from grpo_tables import progress_line, show
from grpo_tally import Drawn, Tally, reward

from mmst.errors import ConfigError, MissingExtraError, UserError
from mmst.ledger.files import atomic_write
from mmst.methods.edge import BASE_ARM
from mmst.reporting.progress import say
from mmst.training.checkpoint import load_model, load_tokenizer, save_checkpoint

BOTH, CHOOSE, EVEN = "both", "choose", "choose-even"
SETTINGS = (BOTH, CHOOSE, EVEN)
WARMUP = 5
"""Steps in which the learning rate rises; then it is constant, since how many will follow depends on their tokens."""
SHOWN = (
    "run", "match", "tokens", "lr", "group", "prompts", "temperature", "kl", "clip", "scale", "max_tokens", "least", "window",
    "seed",
)  # fmt: skip


@dataclass(frozen=True)
class Trained:
    """What a setting ended with."""

    told: dict[str, Any]
    """As JSON's own types."""
    picks: dict[str, dict[str, str]]
    """`base` and `end`, where the policy chooses -> test problem -> the method that it finds likeliest."""


def trained(run: Beside, setting: str, options: argparse.Namespace, tally: Tally, target: Path) -> Trained:
    """Train the run's base by GRPO until the budget is spent, and save it as `target`."""
    base, tokenizer = load_model(run.base).eval(), load_tokenizer(run.base)
    choice = None if setting == BOTH else choice_of(run, base, options, even=setting == EVEN)
    begun = time.perf_counter()
    model = fitted(run, choice, options, rewards(run, tally, choice), watch(tally, f"grpo {setting}", options.every, begun))
    told: dict[str, Any] = {"seconds": time.perf_counter() - begun, **tally.plain()}
    shutil.rmtree(target, ignore_errors=True)
    save_checkpoint(model, tokenizer, target)
    if choice is None:
        return Trained(told, {})
    some = heads(run)
    shares = choice.chances(base, some).mean(0).tolist()
    told["start"] = {"shares": dict(zip(choice.tails, shares, strict=True)), "mass": choice.mass(base, some)}
    told["offsets"] = None if choice.offsets is None else dict(zip(choice.tails, choice.offsets.tolist(), strict=True))
    return Trained(told, {"base": picked(run, choice, base), "end": picked(run, choice, load_model(target).eval())})


def fitted(
    run: Beside, choice: Choice | None, options: argparse.Namespace, judged: Callable[..., list[float | None]], ends: Any
) -> Any:
    """The model that trl makes of the run's base. judged: the reward; ends: the callback that stops it."""
    from datasets import Dataset
    from transformers import PrinterCallback
    from trl import GRPOTrainer

    rows = asked(run, choice is not None)
    if len(rows) < options.prompts:
        raise ConfigError(f"grpo: --prompts {options.prompts} of a step, but there are {len(rows)} in all; ask for fewer.")
    with tempfile.TemporaryDirectory() as folder:
        trainer = GRPOTrainer(
            model=load_model(run.base),
            reward_funcs=judged,
            args=grpo_config(options, folder),
            train_dataset=Dataset.from_list(rows),
            processing_class=load_tokenizer(run.base),  # its own: trl changes it
            callbacks=[ends],
            rollout_func=None if choice is None else choice.rollout,
        )
        trainer.remove_callback(PrinterCallback)
        trainer.train()
    return trainer.model


def asked(run: Beside, chooses: bool) -> list[dict[str, str]]:
    """The rows of trl's data: a prompt for each problem and method, or for each problem its head."""
    if chooses:
        return [{"prompt": fork(run.prompts(problem)).head, "problem": problem.id} for problem in run.train.problems]
    return [
        {"prompt": text, "problem": problem.id, "method": method}
        for problem in run.train.problems
        for method, text in run.prompts(problem).items()
    ]


def heads(run: Beside) -> list[str]:
    """What the first training problems' prompts share."""
    return [fork(run.prompts(problem)).head for problem in run.train.problems[:PROBE]]


def choice_of(run: Beside, base: Any, options: argparse.Namespace, even: bool) -> Choice:
    """What draws methods. even: with offsets, found on the first training problems before training."""
    choice = Choice(load_tokenizer(run.base), fork(run.prompts(run.train.problems[0])).tails, options.temperature)
    if even:
        choice.offsets = even_offsets(choice.chances(base, heads(run)))
    return choice


def picked(run: Beside, choice: Choice, model: Any) -> dict[str, str]:
    """Test problem -> the method that the policy finds likeliest."""
    texts = [fork(run.prompts(problem)).head for problem in run.tests.problems]
    places = choice.chances(model, texts).argmax(1).tolist()
    names = list(choice.tails)
    return {problem.id: names[place] for problem, place in zip(run.tests.problems, places, strict=True)}


def rewards(run: Beside, tally: Tally, choice: Choice | None) -> Callable[..., list[float | None]]:
    """What trl calls for the completions of a step, which are counted on the way."""

    def right(
        completions: Sequence[str],
        completion_ids: Sequence[Sequence[int]],
        problem: Sequence[str],
        method: Sequence[str],
        **_: Any,
    ) -> list[float | None]:
        texts, counts = list(completions), [len(ids) for ids in completion_ids]
        if choice is not None:  # the cue was put in but for its first token
            texts = [text.removeprefix(choice.tails[name]) for text, name in zip(texts, method, strict=True)]
            counts = [count - len(choice.tokens[name]) + 1 for count, name in zip(counts, method, strict=True)]
        judged = run.verdicts(texts, problem, method)
        for alarm in tally.add([Drawn(*row) for row in zip(method, counts, judged, strict=True)]):
            if choice is not None:
                say(str(alarm))
        return [reward(one) for one in judged]

    return right


def grpo_config(options: argparse.Namespace, folder: str) -> Any:
    """Trl's configuration: one update for each sampling, so that no completion is of an older policy."""
    from trl import GRPOConfig

    completions, on_cpu = options.prompts * options.group, not torch.cuda.is_available()
    return GRPOConfig(
        output_dir=folder,
        max_steps=math.ceil(options.tokens / completions),  # more than there will be: a completion has at least one token
        per_device_train_batch_size=completions,
        steps_per_generation=1,
        num_generations=options.group,
        max_completion_length=options.max_tokens,
        temperature=options.temperature,
        beta=options.kl,
        epsilon=options.clip,
        scale_rewards=options.scale,
        learning_rate=options.lr,
        lr_scheduler_type="constant_with_warmup",
        warmup_steps=WARMUP,
        seed=options.seed,
        gradient_checkpointing=False,
        use_cpu=on_cpu,
        bf16=not on_cpu,
        save_strategy="no",
        report_to="none",
        logging_strategy="no",
        disable_tqdm=True,
    )


def watch(tally: Tally, name: str, every: int, begun: float) -> Any:
    """Says how far it is, and ends the training when the tokens are spent."""
    from transformers import TrainerCallback

    class Watch(TrainerCallback):
        def on_step_end(self, args: Any, state: Any, control: Any, **rest: Any) -> None:
            control.should_training_stop = tally.spent
            if tally.spent or len(tally.steps) % every == 0:
                say(progress_line(tally, name, time.perf_counter() - begun))

    return Watch()


def compared(run: Beside, made: Mapping[str, Outcomes], ends: Mapping[str, Trained]) -> dict[str, Any]:
    """What was trained beside the run's arms: scores and differences, and what each policy's own choices are worth."""
    methods, arms = list(run.methods), {**run.arms, **made}
    scores = {arm: {m: asdict(s) for m, s in with_mean(of_arm, methods).items()} for arm, of_arm in arms.items()}
    rows = differences(arms, [(arm, name) for name in made for arm in run.arms], methods)
    own = {name: chosen(run.arms[BASE_ARM], made[name], end) for name, end in ends.items() if end.picks}
    title = f"{run.settings.model.name} on {run.settings.dataset.name}, {run.tests.name}"
    return {"title": title, "scores": scores, "differences": rows, "chosen": own}


def chosen(base: Outcomes, made: Outcomes, end: Trained) -> dict[str, Any]:
    """Each problem by the method that the policy finds likeliest: the base's, chosen with the same offsets, and the trained."""
    solved = {arm: chosen_outcomes(arms, end.picks[arm]) for arm, arms in (("base", base), ("end", made))}
    scores = {arm: asdict(with_mean(outcomes, [CHOSEN])[CHOSEN]) for arm, outcomes in solved.items()}
    picks = {arm: dict(Counter(end.picks[arm].values())) for arm in solved}
    return {"scores": scores, "picks": picks, "difference": differences(solved, [("base", "end")], [CHOSEN])[0]}


def parsed(words: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, default=Path("runs/train/default"), help="a finished run of train.py")
    parser.add_argument("--match", default="multi", help="the arm whose sampled tokens are spent")
    parser.add_argument("--tokens", type=int, help="sample so many tokens instead")
    parser.add_argument("--settings", nargs="+", choices=SETTINGS, default=[BOTH, CHOOSE])
    parser.add_argument("--out", type=Path, help="a folder for models and grpo.json; default runs/grpo/NAME of the run")
    parser.add_argument("--lr", type=float, default=1e-4, help="learning rate, constant after a warm-up of 5 steps")
    parser.add_argument("--group", type=int, default=8, help="completions of a prompt, whose mean a reward is held against")
    parser.add_argument("--prompts", type=int, default=32, help="prompts of a step")
    parser.add_argument("--temperature", type=float, default=1.0)
    parser.add_argument("--kl", type=float, default=0.0, help="weight of the divergence from the base (trl's beta)")
    parser.add_argument("--clip", type=float, default=0.2, help="trl's epsilon; does nothing while each sample has one update")
    parser.add_argument("--scale", choices=("group", "batch", "none"), default="group", help="what rewards are divided by")
    parser.add_argument("--max-tokens", type=int, help="of a completion; default the run's")
    parser.add_argument("--least", type=float, default=0.05, help="the share of a method below which it raises the alarm")
    parser.add_argument("--window", type=int, default=5, help="steps over which shares are taken")
    parser.add_argument("--every", type=int, default=10, help="steps between two lines of progress")
    parser.add_argument("--seed", type=int, help="default the run's")
    return parser.parse_args(words)


def main(words: Sequence[str]) -> None:
    """Train each setting, measure it, and print and write what was found; each setting is written as soon as it is measured."""
    options = parsed(words)
    if options.group < 2:
        raise ConfigError(f"grpo: --group {options.group} must be at least 2: a reward is held against those of its group.")
    os.environ["TRL_EXPERIMENTAL_SILENCE"] = "1"  # rollout_func's warning
    warnings.filterwarnings("ignore", message=".*gradient_checkpointing.*", category=FutureWarning)
    if find_spec("trl") is None:
        raise MissingExtraError("grpo", 'pip install -c constraints.txt -e ".[bench]"')
    with beside(options.run, options.match) as run:
        options.seed = run.settings.seed if options.seed is None else options.seed
        options.max_tokens = options.max_tokens or run.settings.model.max_tokens
        options.tokens = options.tokens or run.budget
        how = {name: str(getattr(options, name)) for name in SHOWN}
        say(f"grpo (trl {version('trl')}): " + ", ".join(f"{name} {value}" for name, value in how.items()))
        out = options.out or Path("runs") / "grpo" / run.name
        ends: dict[str, Trained] = {}
        made: dict[str, Outcomes] = {}
        for setting in options.settings:
            name, place = f"grpo {setting}", out / "models" / setting
            tally = Tally(list(run.methods), options.tokens, 0.0 if setting == BOTH else options.least, options.window)
            ends[name] = trained(run, setting, options, tally, place)
            made[name] = run.measured(place, out / "ledger")
            told = {name: end.told for name, end in ends.items()}
            found = {"options": how, "trl": version("trl"), **compared(run, made, ends), "settings": told}
            atomic_write(out / "grpo.json", json.dumps(found, indent=1).encode())
        show(found)
        say(f"results: {out / 'grpo.json'}")


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    try:
        main(sys.argv[1:])
    except UserError as error:
        sys.exit(f"grpo: {str(error).removeprefix('grpo: ')}")
