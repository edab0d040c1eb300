from mmst.filters.rules import is_withheld
from mmst.reporting.flips import flip_results


def outcomes(**methods):
    """Outcomes by method from strings of + (right), - (wrong) and ? (unjudged)."""
    named = {"+": True, "-": False, "?": None}
    return {method: {str(n): named[mark] for n, mark in enumerate(marks)} for method, marks in methods.items()}


NOTHING = {"arms": [], "contrasts": [], "near_far": []}
BASE = outcomes(text="++--", code="+-+-", either="+++-")


def test_each_arm_and_method_has_the_four_cells_of_the_base():
    found = flip_results({"base": BASE, "multi": outcomes(text="-+++", code="+++-", either="++++")})
    cells = {(row["arm"], row["method"], row["had"]): (row["flipped"], row["n"]) for row in found["arms"]}
    assert cells["multi", "text", "both"] == (1, 1)
    assert cells["multi", "text", "only_other"] == cells["multi", "text", "neither"] == (1, 1)
    assert cells["multi", "code", "only_other"] == (1, 1)
    assert len(cells) == 8
    assert found["contrasts"] == []


def test_arms_are_contrasted_within_cells():
    arms = {"base": BASE, "self_both": BASE, "multi": outcomes(text="++++", code="++++", either="++++")}
    rows = {(row["method"], row["had"]): row for row in flip_results(arms)["contrasts"]}
    assert (rows["text", "neither"]["a"], rows["text", "neither"]["b"]) == ("self_both", "multi")
    assert rows["text", "neither"]["difference"] == 1
    assert rows["text", "both"]["difference"] == 0


def test_problems_that_are_unjudged_anywhere_are_left_out():
    found = flip_results(
        {"base": outcomes(text="+?+-", code="++?-", either="+++-"), "multi": outcomes(text="+++?", code="++++")}
    )
    assert sum(row["n"] for row in found["arms"] if row["method"] == "text") == 1


def test_without_a_base_or_a_second_method_there_is_nothing_to_tell():
    assert flip_results({"a": BASE, "b": BASE}) == NOTHING
    assert flip_results({"base": outcomes(text="+-"), "multi": outcomes(text="++")}) == NOTHING


def test_problems_whose_translations_were_withheld_are_counted_apart():
    marks = "-" * 40
    base = outcomes(text=marks, code="+" * 40)
    far = [is_withheld(str(n), 0.5) for n in range(40)]
    after = outcomes(text="".join("-" if distant else "+" for distant in far), code="+" * 40)
    rows = flip_results({"base": base, "multi": after}, withheld=0.5)["near_far"]
    (row,) = [row for row in rows if (row["method"], row["had"]) == ("text", "only_other")]
    assert (row["near_n"], row["far_n"]) == (40 - sum(far), sum(far))
    assert (row["near_flipped"], row["far_flipped"], row["difference"]) == (row["near_n"], 0, 1)
    assert row["p"] < 1e-6
    assert flip_results({"base": base, "multi": after})["near_far"] == []
