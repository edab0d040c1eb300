import functools

import lightning
import pytest
import torch

from mmst.stages.train import NothingToTrainOnError, train
from mmst.training.checkpoint import load_model
from mmst.training.fit import TrainingOptions
from mmst.types import Example

TRAINER = functools.partial(
    lightning.Trainer, accelerator="cpu", logger=False, enable_progress_bar=False, enable_model_summary=False
)
EXAMPLE = Example(
    "e", "text -> text", "p", "Question: What is 3 bags of 4?\nAnswer:", " The total is 3 * 4 = 12. The answer is 12."
)


def test_training_makes_its_examples_likelier_and_leaves_a_loadable_folder(nano, tmp_path):
    options = TrainingOptions(steps=6, batch_size=1)
    dropped = train([EXAMPLE], nano, tmp_path / "out", tmp_path / "work", options, TRAINER, 0)
    assert dropped == []
    before, after = load_model(nano), load_model(tmp_path / "out")
    assert likelihood(after, tmp_path / "out") > likelihood(before, nano)


def test_nothing_to_train_on_is_one_sentence(nano, tmp_path):
    options = TrainingOptions(steps=1, longest=3)
    with pytest.raises(NothingToTrainOnError, match="1 of 1 were longer than 3 tokens"):
        train([EXAMPLE], nano, tmp_path / "out", tmp_path / "work", options, TRAINER, 0)


@torch.inference_mode()
def likelihood(model, folder):
    from mmst.training.batches import collate, tokenize
    from mmst.training.checkpoint import load_tokenizer
    from mmst.training.module import completion_loss

    rows, _ = tokenize([EXAMPLE], load_tokenizer(folder), 99)
    return -completion_loss(model.eval(), collate(rows, 1)).item()
