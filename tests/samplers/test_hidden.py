import numpy as np
import pytest
import torch

from mmst.samplers.hf import HFSampler
from mmst.training.tokenization import example_tokens
from mmst.types import Example

TEXTS = ["Ana has 3 bags of 4 nuts.", "Ben has 2 nuts.", "Eve has 3 bags of 9 nuts.", ""]


@pytest.fixture(scope="module")
def sampler(nano):
    made = HFSampler(device="cpu")
    made.load(nano)
    return made


def test_a_text_has_the_mean_of_its_last_hidden_states(sampler):
    found = np.array(sampler.hidden(TEXTS))
    assert found.shape == (4, sampler._model.config.hidden_size)
    tokens = sampler._tokenizer(TEXTS[1], return_tensors="pt", return_token_type_ids=False)
    whole = sampler._model(**tokens, output_hidden_states=True).hidden_states[-1]
    assert found[1] == pytest.approx(whole[0].mean(dim=0).detach().numpy(), abs=1e-5)


def test_neighbours_do_not_matter(sampler):
    alone = [sampler.hidden([text])[0] for text in TEXTS]
    assert np.array(sampler.hidden(TEXTS * 20)) == pytest.approx(np.array(alone * 20), abs=1e-4)


def test_a_solution_has_the_mean_over_its_own_tokens_and_the_state_of_its_end(sampler):
    made = Example("s", "text", "p", TEXTS[0], " 3 * 4 = 12.")
    tokens, begin = example_tokens(sampler._tokenizer, made)
    whole = sampler._model(torch.tensor([tokens]), output_hidden_states=True).hidden_states[-1][0].detach().numpy()
    found = np.array(sampler.hidden_solutions([made, Example("t", "text", "p", TEXTS[1], " 2.")]))
    assert found.shape == (2, 2 * sampler._model.config.hidden_size)
    assert found[0] == pytest.approx(np.concatenate([whole[begin:].mean(axis=0), whole[-1]]), abs=1e-5)


def test_a_solution_longer_than_the_model_has_positions_is_read_from_its_end(sampler):
    most = sampler._model.config.max_position_embeddings
    (found,) = sampler.hidden_solutions([Example("s", "text", "p", TEXTS[0], " 3 * 4 = 12." * most)])
    assert np.isfinite(found).all()
