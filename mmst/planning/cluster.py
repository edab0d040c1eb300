"""A round of any number of samples on several machines, from rates that were measured on one device.

Stages follow one another, so a round takes the sum of its parts. Sampling and training are divided over all devices; reading
answers, running programs and writing the ledger are the driver's, on one machine, however many there are. With `sandbox=ray`
programs are divided over all machines, and the driver reads their answers meanwhile. Nothing is lost in dividing here (no
communication, no tail), so times are lower bounds where there are many machines.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from mmst.errors import ConfigError
from mmst.planning.rates import Rates, read_rates


@dataclass(frozen=True)
class Cluster:
    """What a round is planned on. `samples`: translations and evaluations among them; None: no such plan is made."""

    samples: int | None = None
    nodes: list[int] = field(default_factory=lambda: [1, 2, 4, 8, 16])
    devices: int = 8
    """Of each machine."""
    price: float | None = None
    """Dollars an hour of one machine; None: that of its devices."""
    run: str | None = None
    """The folder of a run whose stages tell the rates; None: `rates` names them all."""
    run_devices: int = 1
    """Devices that this run sampled and trained on."""
    rates: dict[str, float | None] = field(default_factory=dict)
    """By name, as `Rates` has them; they replace those of the run."""

    def __post_init__(self) -> None:
        for key, value in (("samples", self.samples or 1), ("devices", self.devices), ("run_devices", self.run_devices)):
            if value < 1:
                raise ConfigError(f"hardware.cluster.{key}={value} must be at least 1.")
        if not self.nodes or min(self.nodes) < 1:
            raise ConfigError(f"hardware.cluster.nodes={self.nodes} must be numbers of machines.")
        if wrong := [f"{name}={value}" for name, value in self.rates.items() if value is not None and value < 0]:
            raise ConfigError(f"hardware.cluster.rates: {', '.join(wrong)} must be 0 or above.")

    def measured(self) -> Rates:
        """The rates of one device and of one driver.

        Raises:
            ConfigError: some rate is not named, and no run tells it.
        """
        return read_rates(self.run, self.run_devices, {name: value for name, value in self.rates.items() if value is not None})


@dataclass(frozen=True, slots=True)
class ClusterPlan:
    """A round on so many machines: seconds by part, and dollars."""

    nodes: int
    seconds: dict[str, float]
    driver: dict[str, float]
    """Seconds by part that the driver takes, so that no more machines make them fewer."""
    price: float

    @property
    def total(self) -> float:
        """Seconds of the round."""
        return sum(self.seconds.values())

    @property
    def bottleneck(self) -> str:
        """The longest part."""
        return max(self.seconds, key=lambda part: self.seconds[part])

    @property
    def share(self) -> float:
        """The bottleneck's share of the round."""
        return self.seconds[self.bottleneck] / self.total if self.total else 0.0


def cluster_plans(
    samples: int, nodes: list[int], devices: int, rates: Rates, trainings: int, examples: int, price: float, divided: bool
) -> list[ClusterPlan]:
    """A round on each number of machines.

    Args:
        samples: completions of the round, translations and evaluations among them.
        nodes: numbers of machines.
        devices: of each machine.
        rates: as measured.
        trainings: how many arms are trained.
        examples: that each training goes through: steps times the batch.
        price: dollars an hour of one machine.
        divided: whether all machines run programs, and not the driver's alone.
    """
    grading = samples / rates.grade
    driver = {
        "grading": min(grading, samples / rates.judge) if divided else grading,
        "ledger": samples * rates.rows / rates.ledger,
    }
    plans = []
    for count in nodes:
        everywhere = count * devices
        seconds = {
            "sampling": samples / (rates.sample * everywhere),
            "grading": max(driver["grading"], grading / count if divided else grading),
            "ledger": driver["ledger"],
            "training": trainings * (rates.start + examples / (rates.train * everywhere)),
        }
        plans.append(ClusterPlan(count, seconds, driver, sum(seconds.values()) / 3600 * count * price))
    return plans


def examples_of(samples: int, rates: Rates, batch: int, step_count: Callable[[int], int]) -> int:
    """Examples that a training of a round goes through, by its options: a number of steps, or of epochs."""
    return step_count(max(1, round(samples * rates.kept))) * batch
