"""What of a model is refused, or doubted, before a job does any work."""

import logging
from dataclasses import replace

import pytest
from transformers import AutoConfig

from mmst.errors import ModelError
from mmst.jobs.doubts import tell_doubts
from mmst.jobs.opened import opened, prompt_writer
from mmst.jobs.problems import test_sets as sets_measured_on
from mmst.training.checkpoint import load_tokenizer
from tests.composing import settings


@pytest.mark.parametrize("kind", ["bert", "roberta", "t5"])
def test_an_encoder_is_refused_before_prompts_are_made(nano, tmp_path, kind):
    AutoConfig.for_model(kind).save_pretrained(tmp_path)
    load_tokenizer(nano).save_pretrained(tmp_path)
    found = settings("eval", "model=hf", f"model.name={tmp_path}")
    with pytest.raises(ModelError, match=rf"{tmp_path} holds an encoder.* \({kind}\).*does not continue texts"):
        prompt_writer(found, tmp_path)


@pytest.mark.parametrize(("room", "lines"), [(64, 0), (480, 1)])
def test_a_doubt_is_a_line_before_anything_is_sampled(tmp_path, caplog, room, lines):
    found = settings("eval", "debug=tiny", f"paths.ledger={tmp_path}", f"model.max_tokens={room}")
    with opened(replace(found, folder=tmp_path / "run")) as job, caplog.at_level(logging.WARNING):
        tell_doubts(job, sets_measured_on(found))
    told = [record.getMessage() for record in caplog.records if record.name == "mmst.jobs.doubts"]
    assert len(told) == lines
    assert all("480 to come" in line and "lower model.shots or model.max_tokens" in line for line in told)
