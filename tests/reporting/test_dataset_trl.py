"""trl's trainers take the written data set as it is."""

import pytest

from mmst.ledger.chunking import Chunking
from mmst.ledger.ledger import Ledger, Work
from mmst.methods.edge import Edge
from mmst.methods.prompt import PromptWriter
from mmst.pipeline import EdgeCounts, ExampleSet
from mmst.reporting.dataset import About, write_dataset
from mmst.stages.assemble import assemble
from mmst.stages.prefer import preferences
from mmst.types import GradedSample, Problem, Verdict
from tests.made_tokenizers import made_tokenizer

trl = pytest.importorskip("trl")

import datasets  # noqa: E402
from transformers import LlamaConfig, LlamaForCausalLM  # noqa: E402

TEMPLATE = (
    "{% for m in messages %}{{ m['role'] + '\\n' + m['content'] + eos_token + '\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ 'assistant\\n' }}{% endif %}"
)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    from mmst.nano.__main__ import bare_methods
    from tests.stages.conftest import graded_sample

    methods = bare_methods()
    problems = {f"p{n}": Problem(f"p{n}", f"{n} bags of 4?", str(4 * n)) for n in range(2, 6)}
    right = [graded_sample(f" {n} * 4 = {4 * n}. The answer is {4 * n}.", str(4 * n), problem=f"p{n}") for n in range(2, 6)]
    wrong = [graded_sample(f"\nanswer = {n}", str(n), Verdict.WRONG, problem=f"p{n}", method="code") for n in range(2, 6)]
    edge = Edge("text", "text")
    examples, _ = assemble({edge: right}, problems, methods, PromptWriter())
    found = ExampleSet(examples, {str(edge): EdgeCounts(samples=4, examples=4)})
    pairs = preferences([*right, *wrong], problems, methods, PromptWriter())
    folder = tmp_path_factory.mktemp("written")
    ledger = Ledger(folder / "ledger")
    ledger.chain([*right, *wrong], [Work("grade", {}, lambda rows, task: rows, GradedSample)], Chunking(9), "title")
    return write_dataset(found, ledger, folder / "out", About("m", "d", "self_text", {}), pairs)


@pytest.fixture
def model(tmp_path):
    """A folder: the trainer of pairs loads the same model once more."""
    vocabulary = len(made_tokenizer("qwen"))
    config = LlamaConfig(
        vocab_size=vocabulary, hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2, eos_token_id=2
    )
    LlamaForCausalLM(config).save_pretrained(tmp_path / "model")
    return str(tmp_path / "model")


def rows(folder, name, tmp_path):
    return datasets.load_dataset(str(folder), name, split="train", cache_dir=str(tmp_path / "cache"))


def settings(kind, tmp_path):
    return kind(
        output_dir=str(tmp_path / "out"), max_steps=1, per_device_train_batch_size=2, report_to=[], use_cpu=True, bf16=False,
        disable_tqdm=True, save_strategy="no",
    )  # fmt: skip


@pytest.mark.parametrize("name", ["default", "messages"])
def test_supervised(written, model, tmp_path, name):
    tokenizer = made_tokenizer("qwen", template=TEMPLATE)
    tokenizer.pad_token = tokenizer.eos_token
    found = rows(written, name, tmp_path)
    assert len(found) == 4
    trainer = trl.SFTTrainer(model, args=settings(trl.SFTConfig, tmp_path), train_dataset=found, processing_class=tokenizer)
    assert trainer.train().training_loss > 0


def test_preferences(written, model, tmp_path):
    tokenizer = made_tokenizer("qwen", template=TEMPLATE)
    tokenizer.pad_token = tokenizer.eos_token
    found = rows(written, "preferences", tmp_path)
    assert {(row["chosen_method"], row["rejected_method"]) for row in found} == {("text", "code")}
    assert found[0]["chosen"][0]["role"] == "assistant"
    trainer = trl.DPOTrainer(model, args=settings(trl.DPOConfig, tmp_path), train_dataset=found, processing_class=tokenizer)
    assert trainer.train().training_loss > 0
