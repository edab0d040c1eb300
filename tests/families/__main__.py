"""The matrix of architectures, as a table: `make families`."""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from pathlib import Path

import pytest
import torch

from mmst.errors import ConfigError
from mmst.samplers.abilities import abilities_of
from mmst.training.loss import check_isolation, check_window
from tests.families.table import TABLE, model_of

COLUMNS = {
    "test_greedy_rows_equal_generate-bare": "greedy rows, bare",
    "test_greedy_rows_equal_generate-shared prefix": "greedy rows, shared prefix",
    "test_losses_of_a_batch_equal_those_of_single_rows": "losses",
    "test_a_trained_folder_is_what_save_pretrained_writes": "trained folder",
}


class Outcomes:
    """Collects what each test said of each architecture."""

    def __init__(self) -> None:
        self.found: dict[str, dict[str, str]] = defaultdict(dict)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        named = re.fullmatch(r".*::(\w+)\[(\w+?)(?:-(.*))?\]", report.nodeid)
        if named and (report.when == "call" or report.failed):
            test, kind, more = named.groups()
            self.found[kind][f"{test}-{more}" if more else test] = "equal" if report.passed else "DIFFERENT"


@torch.inference_mode()
def ways(kind: str) -> tuple[str, str]:
    """How rows of an architecture are sampled, and whether they can be packed."""
    model = model_of(kind, 300)
    found = abilities_of(model)
    sampled = "rows that come and go" if found.rows else "fixed batches" if found.batches else "generate"
    try:
        check_window(model.config, 512)
        check_isolation(model)
    except ConfigError:
        return sampled + (", shared prefix" if found.prefix else ""), "no"
    return sampled + (", shared prefix" if found.prefix else ""), "yes"


def main() -> int:
    outcomes = Outcomes()
    folder = str(Path(__file__).parent)
    code = pytest.main(["-q", "-m", "families or not families", folder, *sys.argv[1:]], plugins=[outcomes])
    lines = [
        "| architecture | sampled by | packed | " + " | ".join(COLUMNS.values()) + " |",
        "| --- " * (3 + len(COLUMNS)) + "|",
    ]
    for kind in TABLE:
        cells = [outcomes.found[kind].get(test, "not run") for test in COLUMNS]
        lines.append("| " + " | ".join([kind, *ways(kind), *cells]) + " |")
    sys.stdout.write("\n".join(lines) + "\n")
    return int(code)


if __name__ == "__main__":
    sys.exit(main())
