import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st

from mmst.samplers.rows import CACHED, Endings, Row, before_completed_stop, before_stop, draw, uniforms
from mmst.samplers.sampler import SamplingParams
from mmst.training.checkpoint import load_tokenizer
from mmst.types import FinishReason, Prompt


@pytest.fixture(scope="module")
def endings(nano):
    tokenizer = load_tokenizer(nano)
    return Endings(tokenizer, frozenset({tokenizer.eos_token_id}))


def completed(endings, text, stops, most=200):
    row = Row(0, 0, Prompt("p", "x", (0,), stops), 1)
    for token in [*endings.tokenizer.encode(text, add_special_tokens=False), endings.tokenizer.eos_token_id]:
        endings.extend(row, token, -0.5, most)
        if row.finish is not None:
            break
    return row.completion


def token_by_token(endings, text, stops):
    """The text at the first token by which it holds a stop string, cut where the earliest of them begins."""
    tokens = endings.tokenizer.encode(text, add_special_tokens=False)
    for count in range(1, len(tokens) + 1):
        shown = endings.tokenizer.decode(tokens[:count], skip_special_tokens=True)
        starts = [shown.index(stop) for stop in stops if stop in shown]
        if starts:
            return shown[: min(starts)]
    return endings.tokenizer.decode(tokens, skip_special_tokens=True)


@example("Q::", [":", "Q::"])
@example("':\n:'", ["\n", ":\n:"])
@example(":\n:", ["\n", ":\n:"])
@example("a\n\nb", ["\n", "\n\n"])
@given(st.text(alphabet="ab \n:.Qé", max_size=30), st.lists(st.text(alphabet="ab \n:Qé", min_size=1, max_size=3), max_size=3))
def test_a_completion_ends_at_the_token_that_completes_a_stop_string(endings, text, stops):
    assert completed(endings, text, tuple(stops)).text == token_by_token(endings, text, stops)


@pytest.mark.parametrize(
    ("text", "stops", "at_once", "by_character"),
    [
        ("Q::", (":", "Q::"), "", "Q"),
        ("a:\n:b", ("\n", ":\n:"), "a", "a:"),
        ("one\n\ntwo", ("\n\n", "\n"), "one", "one"),
        ("xyz", ("z", "yz"), "x", "x"),
        ("xyz", ("w",), None, None),
        (":", (":",), "", ""),
    ],
)
def test_where_several_stop_strings_are_completed(text, stops, at_once, by_character):
    assert before_stop(text, stops) == at_once
    assert before_completed_stop(text, stops) == by_character


def test_the_end_token_counts_and_is_not_shown(endings):
    ended = completed(endings, "one two", ())
    assert (ended.text, ended.finish) == ("one two", FinishReason.STOP)
    assert ended.completion_tokens == len(endings.tokenizer.encode("one two", add_special_tokens=False)) + 1
    assert ended.mean_logprob == -0.5


def test_the_token_limit_cuts(endings):
    cut = completed(endings, "one two three four five", (), most=2)
    assert (cut.finish, cut.completion_tokens) == (FinishReason.LENGTH, 2)


def test_draws_follow_the_distribution():
    logits = torch.log(torch.tensor([[0.5, 0.3, 0.2]])).expand(4000, -1)
    chances = uniforms(range(4000), SamplingParams(1.0, max_tokens=1))[:, 0]
    chosen, logprobs = draw(logits, chances, SamplingParams(1.0))
    shares = torch.bincount(chosen, minlength=3) / 4000
    torch.testing.assert_close(shares, torch.tensor([0.5, 0.3, 0.2]), atol=0.03, rtol=0)
    torch.testing.assert_close(logprobs.exp(), torch.tensor([0.5, 0.3, 0.2])[chosen])


def test_a_token_without_probability_is_never_drawn():
    logits = torch.tensor([[0.0, -torch.inf, 0.0, -torch.inf]]).expand(5, -1)
    chosen, _ = draw(logits, torch.tensor([0.0, 0.4999, 0.5, 0.9, 1 - 1e-16], dtype=torch.float64), SamplingParams(1.0))
    assert chosen.tolist() == [0, 0, 2, 2, 2]


def test_top_p_draws_from_the_nucleus_alone():
    logits = torch.log(torch.tensor([[0.6, 0.3, 0.1]])).expand(1000, -1)
    chances = torch.linspace(0, 0.999, 1000, dtype=torch.float64)
    chosen, _ = draw(logits, chances, SamplingParams(1.0, top_p=0.8))
    assert set(chosen.tolist()) == {0, 1}
    assert (chosen == 0).float().mean().item() == pytest.approx(2 / 3, abs=0.01)


@pytest.mark.parametrize("params", [SamplingParams(0.0), SamplingParams(0.7), SamplingParams(0.7, top_p=0.9)])
def test_rows_are_drawn_as_alone_whatever_the_vocabulary(params):
    torch.manual_seed(0)
    logits, chances = 3 * torch.randn(5, CACHED // 2 + 1), torch.rand(5, dtype=torch.float64)
    chosen, logprobs = draw(logits, chances, params)
    alone = [draw(logits[n : n + 1], chances[n : n + 1], params) for n in range(5)]
    assert chosen.tolist() == [int(token) for token, _ in alone]
    torch.testing.assert_close(logprobs, torch.cat([logprob for _, logprob in alone]), atol=0, rtol=0)
    torch.testing.assert_close(logprobs, logits.log_softmax(-1).gather(1, chosen[:, None])[:, 0])
