from transformers import AutoConfig

from mmst.planning.hardware import Hardware
from mmst.planning.measure import Probe, measured_here
from mmst.types import Prompt

TABLE = Hardware("here", memory=1, rate=1, bandwidth=1, counts=[1], measured=True)


def test_this_machine_is_measured_on_layers_of_the_model(nano):
    config = AutoConfig.from_pretrained(nano)
    here = measured_here(TABLE, config, Probe(2, 16, nano, [Prompt("1", "Question: 1?\nAnswer:", ())] * 4))
    assert here.memory > 1
    assert here.rate > 1e8
    assert 0 < here.training_share < 2
    assert here.step_fixed + 4 * here.step_each > 0
    assert here.prefill_each >= 0


def test_a_model_that_is_too_large_to_try_keeps_the_tables_shares():
    bloom = AutoConfig.for_model("bloom", hidden_size=14336, n_layer=70, n_head=112, vocab_size=250880)
    here = measured_here(TABLE, bloom, Probe(2, 16, None, []))
    assert here.training_share == TABLE.training_share
    assert here.step_fixed is None
