"""How the embedded base model is made: a corpus from the world's pretraining split, a tokenizer, and one training.

The corpus holds solutions by both methods, translations, and arithmetic drills. The families' exposures in `recipe.yaml`
make the paper's question a real one: each method has blind spots that the other does not have.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

import yaml
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from mmst.datasets.arithmetic import composed
from mmst.datasets.arithmetic.world import LARGEST_VALUE, apply, draw_problem, families, training_families
from mmst.methods.method import Method
from mmst.methods.prompt import QUESTION_CUE, PromptWriter
from mmst.types import Example, Problem, Step

END = "<|end|>"
PAD = "<|pad|>"
REWRITE_QUESTION = "Rewrite."
DRILL_QUESTION = "Calculate."
TOKEN_PATTERN = r"\n *| ?\p{L}+| ?\d{1,3}| ?[^\s\p{L}\d]+|\s+"
"""Words, numbers and runs of punctuation with the space before them; a line break with the indentation after it."""


@dataclass(frozen=True, slots=True)
class NanoRecipe:
    """The contents of `recipe.yaml`, or of another recipe beside it."""

    seed: int
    model: Mapping[str, int]
    training: Mapping[str, Any]
    mixture: Mapping[str, float]
    exposure: Mapping[str, Mapping[str, Sequence[int]]]
    """Family -> method -> numbers of the phrasings met."""
    translate: Sequence[str]
    """The families of which translations are met."""
    world: str = "arithmetic"
    """What problems are drawn from: `arithmetic`, `composed` (whose problems each method meets its own way), `logic`, `sql`."""
    phrases: Sequence[str] = ()
    """Regular expressions of what is one token, beside `TOKEN_PATTERN`."""

    @classmethod
    def load(cls, name: str = "recipe") -> NanoRecipe:
        """Read a recipe that the package ships."""
        return cls(**yaml.safe_load((resources.files("mmst.nano") / f"{name}.yaml").read_text(encoding="utf-8")))

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods that the model meets."""
        return tuple(next(iter(self.exposure.values())))


def corpus(recipe: NanoRecipe, methods: Mapping[str, Method], count: int) -> Iterator[Example]:
    """`count` examples in the recipe's mixture, in a fixed random order."""
    rng = random.Random(recipe.seed)
    cells = [(name, method, seen[method]) for name, seen in recipe.exposure.items() for method in methods if seen[method]]
    labels = _labels(recipe)
    kinds, shares = list(recipe.mixture), list(recipe.mixture.values())
    for number in range(count):
        kind = rng.choices(kinds, shares)[0]
        if kind == "solve":
            name, method, phrasings = rng.choice(cells)
            problem = _draw(recipe, name, rng, phrasings, method)
            yield _solution(number, problem, methods[method])
        elif kind == "drill":
            yield _drill(number, rng)
        else:
            source, target = rng.sample(list(methods.values()), 2)
            problem = _story(recipe, rng, (source.name, target.name)) if kind == "translate" else _bare_problem(rng, labels)
            yield _translation(number, problem, source, target)


def make_tokenizer(recipe: NanoRecipe, sample: Sequence[Example]) -> PreTrainedTokenizerFast:
    """A byte-level BPE in which every word and number of the world is one token; any other text falls back to bytes."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex("|".join([*recipe.phrases, TOKEN_PATTERN])), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=recipe.model["vocabulary"],
        special_tokens=[END, PAD],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator((example.prompt + example.completion for example in sample), trainer)
    fast: type[Any] = PreTrainedTokenizerFast
    made: PreTrainedTokenizerFast = fast(
        tokenizer_object=tokenizer, eos_token=END, pad_token=PAD, clean_up_tokenization_spaces=False
    )
    return made


def make_model(recipe: NanoRecipe, vocabulary: int, end: int, pad: int) -> LlamaForCausalLM:
    """A Llama of the recipe's size, freshly initialized under PyTorch's current seed."""
    size = recipe.model
    config = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=size["hidden"],
        num_hidden_layers=size["layers"],
        num_attention_heads=size["heads"],
        num_key_value_heads=size["heads"],
        intermediate_size=size["intermediate"],
        max_position_embeddings=size["positions"],
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=end,
        pad_token_id=pad,
        initializer_range=size["hidden"] ** -0.5 / 2,
    )
    return LlamaForCausalLM(config)


def solved(number: int, problem: Problem, method: Method, solution: str) -> Example:
    """A problem with its solution by a method."""
    prompt = PromptWriter().solve(problem, method.format)
    return Example(str(number), method.name, problem.id, prompt, method.format.lead + solution)


def translated(number: int, problem: Problem, source: Method, given: str, target: Method, written: str) -> Example:
    """A problem with the solution `given` by one method, and the one `written` by another."""
    prompt = PromptWriter().translate(problem, given, source.format, target.format)
    return Example(str(number), f"{source.name} -> {target.name}", problem.id, prompt, target.format.lead + written)


def _solution(number: int, problem: Problem, method: Method) -> Example:
    return solved(number, problem, method, method.render(problem.derivation))


def _translation(number: int, problem: Problem, source: Method, target: Method) -> Example:
    steps = problem.derivation
    return translated(number, problem, source, source.render(steps), target, target.render(steps))


def _story(recipe: NanoRecipe, rng: random.Random, methods: tuple[str, str]) -> Problem:
    name = rng.choice(recipe.translate)
    source, target = (set(recipe.exposure[name][method]) for method in methods)
    return _draw(recipe, name, rng, sorted(source & target))


def _draw(recipe: NanoRecipe, family: str, rng: random.Random, phrasings: Sequence[int], method: str | None = None) -> Problem:
    """A problem of the recipe's world; in the composed one with the solution that a method is taught."""
    if recipe.world == composed.COMPOSED:
        return composed.draw_problem(family, "pretrain", rng, phrasings, method)
    return draw_problem(families()[family], "pretrain", rng, phrasings)


def _labels(recipe: NanoRecipe) -> list[str]:
    if recipe.world == composed.COMPOSED:
        return composed.labels()
    return sorted({step[0] for name in training_families() for step in families()[name].steps})


def _bare_problem(rng: random.Random, labels: Sequence[str]) -> Problem:
    """A random derivation of one to three steps, under a question that tells nothing."""
    while True:
        steps: list[Step] = []
        values: dict[str, int] = {}
        for label in rng.sample(labels, rng.choice((1, 2, 2, 3))):
            operator = rng.choice("+-*/")
            small = operator in "*/"
            operands = [str(rng.randint(2, 12 if small else LARGEST_VALUE)) for _ in range(2)]
            if values:
                operands[rng.randrange(2)] = rng.choice(list(values))
            value = apply(operator, *(values.get(x) or int(x) for x in operands))
            if value is None:
                break
            values[label] = value
            steps.append(Step(label, operands[0], operator, operands[1], str(value)))
        else:
            return Problem("rewrite", REWRITE_QUESTION, steps[-1].value, derivation=tuple(steps))


def _drill(number: int, rng: random.Random) -> Example:
    """Four facts of the world's arithmetic."""
    facts: list[str] = []
    while len(facts) < 4:
        operator = rng.choices("+-*/", (3, 3, 2, 2))[0]
        left = rng.randint(2, 12 if operator == "*" else LARGEST_VALUE)
        right = rng.randint(1, 12 if operator in "*/" else LARGEST_VALUE)
        value = apply(operator, left, right)
        if value is not None:
            facts.append(f"{left} {operator} {right} = {value}.")
    return Example(str(number), "drill", "drill", f"{QUESTION_CUE}{DRILL_QUESTION}\nAnswer:", " " + " ".join(facts))
