from pathlib import Path

from mmst.reporting.costs import HEADER, cost_cells, cost_results
from mmst.rounds import ArmResult
from mmst.stages.sets import Checkpoint, ExampleSet, Spent


def test_labelled_problems_stand_beside_the_tokens_that_they_took():
    examples = ExampleSet([], {}, sampled=Spent(40, 900, 1_600), labelled=12)
    (row,) = cost_results([ArmResult("multi", 1, Checkpoint(Path()), {}, examples)])
    assert (row["labelled"], row["labelled_per_1000"]) == (12, 7.5)
    cells = dict(zip(HEADER, cost_cells(row), strict=True))
    assert (cells["tokens sampled"], cells["labelled"], cells["per 1,000"]) == ("1,600", "12", "7.5")
    del row["labelled"], row["labelled_per_1000"]
    assert cost_cells(row)[3:5] == ["", ""], "results of before hold none"
