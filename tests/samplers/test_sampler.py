import pytest

from mmst.errors import ConfigError
from mmst.samplers.sampler import SamplingParams


@pytest.mark.parametrize("bad", [{"temperature": -0.1}, {"top_p": 0}, {"top_p": 1.1}, {"max_tokens": 0}])
def test_impossible_parameters_are_refused_by_name(bad):
    with pytest.raises(ConfigError, match=next(iter(bad))):
        SamplingParams(**bad)


def test_greedy_samples_are_drawn_once():
    with pytest.raises(ConfigError, match="greedy"):
        SamplingParams(temperature=0).check_count(2)
    SamplingParams(temperature=0).check_count(1)
    SamplingParams(temperature=0.5).check_count(8)
