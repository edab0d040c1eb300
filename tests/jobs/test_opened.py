"""What of a model is refused, or doubted, before a job does any work."""

import gc
import logging
import os
from dataclasses import replace

import pytest
import torch
from transformers import AutoConfig

from mmst.errors import ModelError
from mmst.jobs.doubts import tell_doubts
from mmst.jobs.opened import opened, prompt_writer, threads
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


def test_a_job_keeps_to_its_models_threads_and_gives_them_back(monkeypatch):
    before = torch.get_num_threads()
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    torch.set_num_threads(2)
    with threads(1):
        assert (torch.get_num_threads(), os.environ["OMP_NUM_THREADS"]) == (1, "1")
    assert torch.get_num_threads() == 2
    assert "OMP_NUM_THREADS" not in os.environ
    with threads(None):
        assert torch.get_num_threads() == 2
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    with threads(1):
        assert torch.get_num_threads() == 2, "the user has the last word"
    torch.set_num_threads(before)


def test_what_is_there_when_a_job_is_opened_no_collection_looks_at_until_it_is_closed(tmp_path):
    found = settings("eval", "debug=tiny", f"paths.ledger={tmp_path}")
    before = gc.get_freeze_count()
    with opened(replace(found, folder=tmp_path / "run")):
        assert gc.get_freeze_count() > before + 100_000
    assert gc.get_freeze_count() == 0
