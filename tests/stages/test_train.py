import functools
from dataclasses import replace

import lightning
import pytest

from mmst.errors import ConfigError, ModelError
from mmst.stages.sets import ExampleSet
from mmst.stages.train import NothingToTrainOnError, train
from mmst.training.checkpoint import load_model, load_tokenizer, save_checkpoint
from mmst.training.launch import Here
from mmst.training.objective import Aim, Objective
from mmst.training.options import TrainingOptions
from mmst.training.record import TrainingRecord
from mmst.types import Contrasted, DropReason, Example

HERE = Here(
    functools.partial(lightning.Trainer, accelerator="cpu", logger=False, enable_progress_bar=False, enable_model_summary=False)
)
EXAMPLE = Example(
    "e", "text -> text", "p", "Question: What is 3 bags of 4?\nAnswer:", " The total is 3 * 4 = 12. The answer is 12."
)
LONG = Example("long", "text -> text", "q", "Question: What is 3 bags of 4?\nAnswer:", " 4" * 400)


def given(*examples, contrasted=None):
    return ExampleSet(examples, {}, contrasted=contrasted)


def test_no_wrong_solution_beside_a_right_one_is_one_sentence(nano, tmp_path):
    options = TrainingOptions(steps=1, objective=Objective(Aim.DPO))
    with pytest.raises(NothingToTrainOnError, match=r"objective=dpo .* of the right ones none has .*objective\.pairs=both"):
        train(given(EXAMPLE, contrasted=[]), nano, tmp_path / "out", tmp_path / "work", options, HERE, 0)


def test_solutions_of_one_problem_alone_have_none_of_another_beside_them(nano, tmp_path):
    options = TrainingOptions(steps=1, objective=Objective(Aim.KTO))
    with pytest.raises(NothingToTrainOnError, match=r"objective=kto sets each solution beside one .* of another problem"):
        train(given(EXAMPLE, contrasted=[]), nano, tmp_path / "out", tmp_path / "work", options, HERE, 0)


@pytest.mark.parametrize("layout", ["bucketed", "packed"])
def test_what_stands_beside_a_long_completion_is_left_out_with_it(nano, tmp_path, layout):
    options = TrainingOptions(steps=2, batch_size=1, objective=Objective(Aim.DPO), layout=layout, row=80, longest=80)
    beside = [" The answer is 7.", " 7" * 300, " 7" * 60]
    pairs = [Contrasted(replace(EXAMPLE, id=str(n)), text, f"wrong {n}") for n, text in enumerate(beside)]
    record, dropped = train(given(EXAMPLE, contrasted=pairs), nano, tmp_path / "out", tmp_path / "work", options, HERE, 0)
    assert [row.id for row in dropped] == (["1", "2"] if layout == "packed" else ["1"])
    assert record.curve[-1]["margin"] is not None


def test_training_makes_its_examples_likelier_and_leaves_a_loadable_folder(nano, tmp_path):
    options = TrainingOptions(steps=6, batch_size=1)
    record, dropped = train(given(EXAMPLE, LONG), nano, tmp_path / "out", tmp_path / "work", options, HERE, 0)
    assert [(row.id, row.reason) for row in dropped] == [("long", DropReason.TOO_LONG)]
    assert record.steps == 6
    assert record.loss < -likelihood(nano)
    assert likelihood(tmp_path / "out") > likelihood(nano)


def test_weights_of_problems_reach_the_rows_and_multiply_those_of_edges(nano, tmp_path):
    told = {}

    def fitter(start, target, rows, options, work, seed):
        told.update({row.id: row.weight for row in options.weighed(rows)})
        return TrainingRecord()

    others = [replace(EXAMPLE, id="f", problem_id="q"), replace(EXAMPLE, id="g", edge="code -> text")]
    examples = replace(given(EXAMPLE, *others), weights={"p": 0.5, "q": 2.0})
    options = TrainingOptions(edge_weights={"code_to_text": 3.0})
    train(examples, nano, tmp_path / "out", tmp_path / "work", options, fitter, 0)
    assert told == {"e": 0.5, "f": 2.0, "g": 1.5}


def test_nothing_to_train_on_is_one_sentence(nano, tmp_path):
    options = TrainingOptions(steps=1, longest=3)
    with pytest.raises(NothingToTrainOnError, match="1 of 1 were longer than 3 tokens"):
        train(given(EXAMPLE), nano, tmp_path / "out", tmp_path / "work", options, HERE, 0)


def test_long_examples_can_be_refused_instead_of_dropped(nano, tmp_path):
    options = TrainingOptions(steps=1, too_long="refuse")
    with pytest.raises(ConfigError, match=r"1 of 2 examples are longer than 256 tokens \(the first is long\)"):
        train(given(EXAMPLE, LONG), nano, tmp_path / "out", tmp_path / "work", options, HERE, 0)


def likelihood(folder):
    import torch

    from mmst.training.batches import collate, tokenize
    from mmst.training.checkpoint import load_tokenizer
    from mmst.training.loss import CompletionLoss

    rows = list(tokenize([EXAMPLE], load_tokenizer(folder), 99, []))
    with torch.no_grad():
        return -CompletionLoss(load_model(folder).eval())(collate([[rows[0]]], 1)).mean().item()


@pytest.mark.parametrize("word", ["nuts", "zebra"])
def test_tokens_without_embeddings_are_refused_where_an_example_has_them(nano, tmp_path, word):
    tokenizer = load_tokenizer(nano)
    tokenizer.add_tokens(["zebra"])
    save_checkpoint(load_model(nano), tokenizer, tmp_path / "more")
    example = Example("e", "text -> text", "p", f"Question: A {word}?\nAnswer:", " The answer is 12.")
    asked = (
        given(example),
        tmp_path / "more",
        tmp_path / "out",
        tmp_path / "work",
        TrainingOptions(steps=1, batch_size=1),
        HERE,
        0,
    )
    if word == "nuts":
        assert train(*asked)[0].steps == 1
        return
    with pytest.raises(ModelError, match="'zebra' is token"):
        train(*asked)
