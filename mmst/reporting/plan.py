"""What a round would take, as a table in the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from mmst.planning.cluster import ClusterPlan
from mmst.planning.estimate import Estimate, RoundWork, TrainingSetup
from mmst.planning.hardware import Hardware
from mmst.planning.rates import Rates
from mmst.planning.size import ModelSize
from mmst.reporting.outlook import duration
from mmst.reporting.progress import say
from mmst.reporting.screen import show_table

TRAINING = ("devices", "weights", "grads", "Adam", "activ.", "training", "host")
"""`training` is the sum of the four before it, `host` memory outside the device."""
SAMPLING = ("devices", "sampling", "cache", "fits", "sample", "train", "price")
"""`sampling` weights and `cache` keys and values of the engine, in GB; then the round's time for either, and what it costs."""


def print_plan(
    title: str, size: ModelSize, setup: TrainingSetup, work: RoundWork, hardware: Hardware, found: Sequence[Estimate]
) -> None:
    """The model, the work of a round, a line for each number of devices, and what was assumed."""
    say(f"{title}: {size.parameters:,} parameters in {size.layers} layers")
    say(
        f"a round: {work.completions:,} completions of {work.prompts:,} prompts at most ({work.prompt:.0f} prompt tokens, "
        f"{work.own:.0f} of them its own, {work.completion:.0f} more), "
        f"{work.trainings} trainings of {work.steps:,} steps of {setup.batch_size} examples ({setup.length:.0f} tokens each)"
    )
    say(f"training: {setup.sentence()}")
    for table in plan_tables(found):
        show_table(table)
    say(f"{_assumptions(hardware)}; {hardware.spare:.0%} of the memory is left free")


def print_cluster_plan(
    samples: int, devices: int, rates: Rates, trainings: int, examples: int, plans: Sequence[ClusterPlan]
) -> None:
    """A round on several machines: a line for each number of them, and what limits it."""
    say(
        f"a round of {samples:,} completions and {trainings} trainings of {examples:,} examples, on machines with {devices} "
        f"devices, at the measured rates: a device samples {rates.sample:,.3g} a second and trains on {rates.train:,.3g} "
        f"examples, the driver grades {rates.grade:,.3g} and writes {rates.ledger:,.3g} rows"
    )
    show_table(cluster_table(plans))
    say(cluster_sentence(plans))


def cluster_table(plans: Sequence[ClusterPlan]) -> Table:
    """Times of a round's parts by number of machines, its price, and its longest part."""
    table = _table("a round on several machines", ("machines", *plans[0].seconds, "whole", "price", "bottleneck"))
    for plan in plans:
        times = [duration(seconds) for seconds in (*plan.seconds.values(), plan.total)]
        table.add_row(f"{plan.nodes:,}", *times, f"${plan.price:,.0f}", f"{plan.bottleneck} {plan.share:.0%}")
    return table


def cluster_sentence(plans: Sequence[ClusterPlan]) -> str:
    """What limits the round on the most machines, and whether more of them would help."""
    last = max(plans, key=lambda plan: plan.nodes)
    fixed = f"{' and '.join(last.driver)} take {duration(sum(last.driver.values()))} of the driver alone"
    return (
        f"with {last.nodes:,} machines the bottleneck is {last.bottleneck} ({last.share:.0%} of the time); {fixed}, so that no "
        "number of machines makes the round shorter; communication and uneven ends are not in it"
    )


def plan_tables(found: Sequence[Estimate]) -> tuple[Table, Table]:
    """By number of devices: GB on one device in training; GB in sampling, times and price. Each fits a screen of 80 columns."""
    memory = _table("GB on one device at the peak of training", TRAINING)
    work = _table("GB on one device in sampling, and a round's time and price", SAMPLING)
    for row in found:
        parts = row.training
        shares = (parts.weights, parts.gradients, parts.optimizer, parts.activations, parts.device, parts.host)
        memory.add_row(f"{row.devices:,}", *map(_gb, shares))
        spent = (duration(row.sampling_seconds), duration(row.training_seconds), f"${row.price:,.2f}")
        told = spent if row.fits else ("", "", "")
        work.add_row(f"{row.devices:,}", _gb(row.sampling), _gb(row.cache), _fits(row), *told)
    return memory, work


def _table(title: str, columns: Sequence[str]) -> Table:
    table = Table(title=title, title_justify="left")
    for name in columns:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def _assumptions(hardware: Hardware) -> str:
    rates = f"{hardware.memory:,.0f} GB, {hardware.rate / 1e12:,.3g} TFLOP/s, {hardware.bandwidth / 1e12:,.3g} TB/s"
    training = f"training reaches {hardware.training_share:.0%} of the rate"
    if hardware.step_fixed is not None and hardware.step_each is not None:
        sampling = f"a step of sampling takes {hardware.step_fixed:.2g} s and {hardware.step_each:.2g} s a completion"
        return f"{hardware.name}: {rates}; {training}, {sampling} (measured on a few layers)"
    sampling = f"sampling {hardware.sampling_share:.0%} of it or of the bandwidth"
    return f"{hardware.name}: {rates}; {training}, {sampling}; ${hardware.price:g} an hour (assumed)"


def _fits(row: Estimate) -> str:
    if row.fits:
        return "yes"
    reasons = {"batch": row.shares_evenly, "training": row.training_fits, "sampling": row.sampling_fits}
    return f"no: {next(name for name, fine in reasons.items() if not fine)}"


def _gb(amount: float) -> str:
    gb = amount / 1e9
    return f"{gb:,.0f}" if gb >= 100 else f"{gb:,.1f}" if gb >= 1 else f"{gb:,.3f}"
