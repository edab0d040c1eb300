import numpy as np
import pytest

from mmst.samplers.hf import HFSampler

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
