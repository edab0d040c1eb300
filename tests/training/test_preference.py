"""Losses that compare, held against trl's on the same rows: values and gradients."""

import lightning
import pytest
import torch

from mmst.training.batches import Batch, TokenRow
from mmst.training.checkpoint import load_model, load_tokenizer
from mmst.training.data import BatchDataset, _grouped
from mmst.training.model import with_adapters
from mmst.training.module import CausalLanguageModule
from mmst.training.objective import Aim, Objective
from mmst.training.options import OptimizerOptions
from mmst.training.prefixes import with_shared_prefixes
from mmst.training.references import alone, completions_of

trl = pytest.importorskip("trl")
pytest.importorskip("peft")
PAD = 1
RANK = 4
WAYS = [(False, None, False), (False, None, True), (True, None, False), (False, RANK, True)]
"""(rows packed, rank of adapters, pairs behind one prompt): None is all weights."""
PROMPT = tuple(range(200, 270))
"""Long enough for a prefix that packed rows share."""


def unit(number, right=True):
    """A prompt with two completions of unlike lengths, of which some begin alike."""
    prompt = (*PROMPT, 20 + number, 30 + number)
    alike = tuple(range(100, 100 + number % 4))
    solution = (*prompt, *alike, *range(40, 44 + number), 0)
    other = TokenRow(f"{number}b", "e, beside", (*prompt, *alike, *range(60 + number, 63 + 2 * number), 0), len(prompt))
    return TokenRow(f"{number}a", "e", solution, len(prompt), f"p{number}", beside=other, right=right)


def units(count=8):
    return [unit(number, right=number % 3 != 1) for number in range(count)]


def start_of(nano, rank):
    """The start model as a training has it before its first step: adapters change nothing yet."""
    model = load_model(nano)
    return model if rank is None else with_adapters(model, rank)


def policy_of(nano, rank, seed=1):
    """The start model after some steps, as it were."""
    model = start_of(nano, rank)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in filter(lambda parameter: parameter.requires_grad, model.parameters()):
            noise = torch.randn(parameter.shape, generator=generator)
            parameter.copy_(parameter + 0.02 * noise * parameter.std() if rank is None else 0.05 * noise)
    return model


def laid(rows, packed, how):
    """A batch of some units, as the data module makes it."""
    rows = with_shared_prefixes(rows) if packed else rows
    assert all(row.shared == len(PROMPT) for row in rows) == packed
    step = [(0, 1, 2), tuple(range(3, len(rows)))] if packed else [(number,) for number in range(len(rows))]
    (batch,) = BatchDataset(rows, [step], packed=packed, laid=how)
    return _grouped([batch], PAD, ["e", "e, beside"], packed, 1 if packed else 3)


def stepped(nano, objective, rows, packed, rank, shares=False):
    """(loss, gradients) of one of our steps."""
    model = policy_of(nano, rank)
    module = CausalLanguageModule(lambda module: model, OptimizerOptions(), 10, packed, objective=objective)
    module.trainer = lightning.Trainer(logger=False, accelerator="cpu")
    module.configure_model()
    module.shares_prompts = shares
    reference = CausalLanguageModule(lambda module: start_of(nano, rank), OptimizerOptions(), 10)
    reference.configure_model()
    with torch.no_grad():
        for part in completions_of(rows):
            module.references[part.id] = -float(reference.validation_step(alone(Batch(((part,),), 1.0), PAD, ["e"]), 0).sum())
    out = module.training_step(laid(rows, packed, module.laid), 0)
    out["loss"].backward()
    return out, {name: p.grad for name, p in model.named_parameters() if p.grad is not None}


def padded(rows):
    width = max(len(row.tokens) for row in rows)
    tensors = {
        name: torch.zeros(len(rows), width, dtype=torch.long) for name in ("input_ids", "attention_mask", "completion_mask")
    }
    for place, row in enumerate(rows):
        tensors["input_ids"][place] = PAD
        tensors["input_ids"][place, : len(row.tokens)] = torch.tensor(row.tokens)
        tensors["attention_mask"][place, : len(row.tokens)] = 1
        tensors["completion_mask"][place, row.prompt_length : len(row.tokens)] = 1
    return tensors


def theirs(nano, tmp_path, kind, config, inputs, rank):
    """(loss, gradients) of a step of trl's, which finds the reference under the adapters by itself."""
    from datasets import Dataset

    tokenizer = load_tokenizer(nano)
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    example = (
        {"prompt": "a", "chosen": "b", "rejected": "c"} if kind == "DPO" else {"prompt": "a", "completion": "b", "label": True}
    )
    args = getattr(trl, f"{kind}Config")(
        output_dir=str(tmp_path), use_cpu=True, report_to=[], beta=0.3, per_device_train_batch_size=4, disable_dropout=False,
        gradient_checkpointing=False, bf16=False, **config,
    )  # fmt: skip
    policy = policy_of(nano, rank)
    models = {"ref_model": load_model(nano)} if rank is None else {"peft_config": policy.peft_config["default"]}
    trainer = getattr(trl, f"{kind}Trainer")(
        model=load_model(nano), args=args, train_dataset=Dataset.from_list([example] * 4), processing_class=tokenizer, **models
    )
    trainer.model.load_state_dict(policy.state_dict())
    trainer.model.zero_grad()
    loss = trainer.compute_loss(trainer.model, inputs)
    loss.backward()
    return loss, {name: p.grad for name, p in trainer.model.named_parameters() if p.grad is not None}


def check_gradients(ours, others):
    assert max(float(gradient.abs().max()) for gradient in ours[1].values()) > 0.01
    assert float(ours[0]["margins"].abs().max()) > 0.01, "the policy differs from the reference"
    assert ours[1].keys() == others[1].keys()
    for name, gradient in ours[1].items():
        torch.testing.assert_close(gradient, others[1][name], atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize(("packed", "rank", "shares"), WAYS)
@pytest.mark.parametrize(("aim", "config"), [("dpo", {"loss_type": ["sigmoid"]}), ("rpo", {"loss_type": ["sigmoid", "sft"]})])
def test_pairs_as_trl_has_them(nano, tmp_path, aim, config, packed, rank, shares):
    rows = units()
    ours = stepped(nano, Objective(Aim(aim), beta=0.3), rows, packed, rank, shares)
    inputs = padded([*rows, *(row.beside for row in rows)])
    others = theirs(nano, tmp_path, "DPO", config, inputs, rank)
    assert ours[0]["loss"].item() == pytest.approx(others[0].item(), abs=1e-4)
    check_gradients(ours, others)


@pytest.mark.parametrize(("packed", "rank", "shares"), WAYS)
def test_solutions_alone_as_trl_has_them(nano, tmp_path, packed, rank, shares):
    rows = units()
    ours = stepped(nano, Objective(Aim.KTO, beta=0.3, wrong=1.5), rows, packed, rank, shares)
    chance = {f"KL_{name}": tensor for name, tensor in padded([row.beside for row in rows]).items()}
    inputs = {**padded(rows), **chance, "label": torch.tensor([row.right for row in rows])}
    others = theirs(nano, tmp_path, "KTO", {"undesirable_weight": 1.5, "train_sampling_strategy": "sequential"}, inputs, rank)
    assert ours[0]["loss"].item() == pytest.approx(others[0].item(), abs=1e-4)
    check_gradients(ours, others)
