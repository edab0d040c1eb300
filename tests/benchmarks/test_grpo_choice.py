from types import SimpleNamespace

import pytest
import torch

from mmst.errors import ConfigError
from mmst.methods.prompt import PromptFormat, PromptWriter
from mmst.nano.__main__ import bare_methods

VOCABULARY = 40
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJ:\n?"


class Letters:
    """A tokenizer of one token a letter."""

    def encode(self, text, add_special_tokens):
        return [LETTERS.index(letter) for letter in text]


class Model:
    """Finds the token `A` more likely than `P` by as much as the last but one token says, and another one likelier still."""

    device = torch.device("cpu")

    def __call__(self, input_ids):
        logits = torch.zeros(*input_ids.shape, VOCABULARY)
        logits[..., LETTERS.index("z")] = 9.0
        logits[:, 1:, LETTERS.index("A")] = input_ids[:, :-1].float()
        return SimpleNamespace(logits=logits)


@pytest.fixture(scope="module")
def choices(script):
    return script("grpo_choice")


@pytest.fixture
def choice(choices):
    return choices.Choice(Letters(), {"text": "A:", "code": "B:"})


def test_prompts_part_after_the_question(choices, problem):
    prompts = {name: PromptWriter().solve(problem, how.format) for name, how in bare_methods().items()}
    found = choices.fork(prompts)
    assert found.head == f"Question: {problem.question}\n"
    assert found.tails == {"text": "Answer:", "code": "Program:"}


def test_prompts_that_part_before_the_question_leave_no_choice(choices, problem):
    forms = [PromptFormat(cue, "\n", f"Write {key}.", shots=2, key=key) for cue, key in (("A:", "text"), ("B:", "code"))]
    with pytest.raises(ConfigError, match="part before the end of the question"):
        choices.fork({form.key: PromptWriter().solve(problem, form) for form in forms})


def test_cues_that_begin_alike_leave_no_choice(choices):
    with pytest.raises(ConfigError, match="begin with the same token"):
        choices.Choice(Letters(), {"text": "A:", "code": "Ab:"})


def test_a_method_is_as_likely_as_its_first_token_among_those_of_all(choice):
    found = choice.chances(Model(), ["aa\n", "b\n", "aaac\n"])  # of several lengths, by 0, 1 and 2
    assert found[:, 0].tolist() == pytest.approx(torch.sigmoid(torch.tensor([0.0, 1.0, 2.0])).tolist())
    assert found.sum(1).tolist() == pytest.approx([1, 1, 1])
    assert choice.mass(Model(), ["aa\n"]) == pytest.approx(2 / (VOCABULARY - 1 + torch.tensor(9.0).exp().item()))


def test_a_high_temperature_makes_choices_more_alike(choices):
    warm = choices.Choice(Letters(), {"text": "A:", "code": "B:"}, temperature=2.0)
    assert warm.chances(Model(), ["c\n"])[0, 0] == pytest.approx(torch.sigmoid(torch.tensor(1.0)).item())


def test_offsets_make_the_mean_choice_even(choices, choice):
    heads = ["a\n", "f\n", "j\n"]
    before = choice.chances(Model(), heads)
    choice.offsets = choices.even_offsets(before)
    after = choice.chances(Model(), heads)
    assert after.mean(0).tolist() == pytest.approx([0.5, 0.5], abs=1e-4)
    assert after[0, 0] < after[1, 0] < after[2, 0]  # what tells the prompts apart stays


def test_a_rollout_counts_what_was_drawn_and_not_the_rest_of_the_cue(choice):
    asked = []

    def written(prompts, images, fields, generations):
        asked.extend(prompts)
        return [[7, 8, 9]] * len(prompts), None

    model = Model()
    trainer = SimpleNamespace(
        model=model,
        num_generations=2,
        accelerator=SimpleNamespace(unwrap_model=lambda model: model),
        _generate_single_turn=written,
    )
    torch.manual_seed(0)
    found = choice.rollout(["aa\n"] * 20, trainer)
    head, tails = (
        Letters().encode("aa\n", False),
        {"text": Letters().encode("A:", False), "code": Letters().encode("B:", False)},
    )
    assert set(found["method"]) == {"text", "code"}
    assert found["prompt_ids"] == [head] * 20
    assert found["completion_ids"] == [[*tails[name], 7, 8, 9] for name in found["method"]]
    assert found["env_mask"] == [[1, 0, 1, 1, 1]] * 20
    assert asked == [head + tails[name] for name in found["method"]]
