import json
import re
import zlib
from dataclasses import replace

import pytest

from mmst.errors import DataError
from mmst.reporting.arms import Cell
from mmst.reporting.effects import Effect
from mmst.reporting.headline import answers, headline
from mmst.reporting.question import Compared, corrected
from mmst.reporting.runs import Run, Sweep

METHODS = ("text", "code")
SHIFTS = (0, 1, -1)
"""What seeds add to the problems that an arm solves: nothing in the mean."""


def run(overrides, arms, seed, problems=200):
    """A finished run whose arms are right on so many of its problems, by each method."""
    outcomes = {}
    for (arm, number), share in arms.items():
        shift = SHIFTS[seed] * (1 + zlib.crc32(f"{arm} {number} {overrides}".encode()) % 3)
        for method in METHODS:
            ids = [f"p{seed}-{i}" for i in range(problems)]
            solved = {id: i < round(share * problems) + shift for i, id in enumerate(ids)}
            outcomes[arm, number, "test", method] = solved
    found = {"dataset": "test", "heldout": {}, "config": {}}
    made = Run(None, found, {"seed": str(seed), **overrides})
    made.__dict__["outcomes"] = outcomes
    return made


def sweep(settings, jobs, axes=(), seeds=(0, 1, 2)):
    runs = [run(overrides, arms, seed) for overrides, arms in jobs for seed in seeds]
    return Sweep("made", runs, (), axes, {"question": "Does it help?", **settings})


def arms(**shares):
    return {(name, int(name != "base")): share for name, share in {"base": 0.4, **shares}.items()}


def first(made):
    return headline(made)[0]


MAIN = {"contrast": ["self_both", "multi"], "answer": ["contrast"]}


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (0.6, "Yes: multi is better than self_both, +10"),
        (0.4, "No: multi is worse than self_both, -10"),
        (0.5, "No difference that this size can show: multi - self_both is "),
    ],
)
def test_a_question_of_yes_or_no_is_answered_by_the_interval(share, words):
    assert first(sweep(MAIN, [({}, arms(self_both=0.5, multi=share))])).startswith(words)


def test_where_nothing_shows_the_smallest_effect_that_would_is_told():
    told = headline(sweep(MAIN, [({}, arms(self_both=0.5, multi=0.5))]))
    assert told[1].startswith("Differences from ")
    assert told[1].endswith(" points on would show, four times in five.")


def test_settings_that_differ_are_told_apart():
    jobs = [({"share": "0.1"}, arms(self_both=0.5, multi=0.5)), ({"share": "1.0"}, arms(self_both=0.5, multi=0.7))]
    told = first(sweep({**MAIN, "varies": "share"}, jobs, ("share",)))
    assert told.startswith("multi is better than self_both: share 1.0 +20")
    assert "no difference that this size can show: share 0.1 " in told


def test_which_edges_carry_the_gain():
    jobs = [({"method": name}, arms(**{name: share})) for name, share in (("self_code", 0.4), ("a", 0.5), ("multi", 0.6))]
    made = sweep({"question": "Which edges?", "contrast": ["base"], "answer": ["arms"]}, jobs)
    told = headline(made)
    assert told[0].startswith("Better than base: multi +20")
    assert "no difference that this size can show: self_code" in told[0]
    assert told[1].startswith(
        "Intervals are of one comparison each; after Holm's correction for these 3, p is below 0.05 for multi"
    )
    assert told[2].startswith("The best, multi, is ahead of the next, a: +10")
    (answer,) = answers(made, "test")
    assert [row.label for row in answer.rows] == ["self_code", "multi", "a", "multi - a"]
    assert "aria-label" in answer.drawn()
    assert len(answer.table().rows) == 4


ALL_WORSE = {"multi": 0.7, "star": 0.5, "resolve": 0.4}


@pytest.mark.parametrize(
    ("shares", "words"),
    [
        (ALL_WORSE, "No: each is worse than multi: star -20.0 ["),
        (ALL_WORSE | {"star": 0.9}, "Yes: better than multi: star +20.0 ["),
        (ALL_WORSE | {"star": 0.7}, "No arm is reliably better than multi; worse than multi: resolve -30.0 ["),
    ],
)
def test_whether_any_arm_keeps_up_is_answered_by_yes_or_no(shares, words):
    assert first(sweep({"contrast": ["multi"], "answer": ["arms"]}, [({}, arms(**shares))])).startswith(words)


def test_a_question_about_some_arms_is_answered_by_these_first():
    settings = {"contrast": ["multi"], "answer": [{"arms": ["star", "resolve"]}, {"arms": ["matched"]}]}
    asked, others = answers(sweep(settings, [({}, arms(**ALL_WORSE, matched=0.7))]), "test")
    assert asked.sentences[0].startswith("No: each is worse than multi: star -20")
    assert "matched" not in " ".join(asked.sentences)
    assert others.sentences[0].startswith("Of the others: no arm is reliably better than multi; no difference")
    assert [row.label for row in others.rows] == ["matched"]


def test_another_contrast_than_the_sweeps_can_be_looked_at():
    made = sweep(
        {**MAIN, "answer": ["contrast", {"contrast": ["own", "multi"]}]}, [({}, arms(self_both=0.5, own=0.4, multi=0.6))]
    )
    assert [answer.sentences[0][:40] for answer in answers(made, "test")] == [
        "Yes: multi is better than self_both, +10", "multi is better than own, +20.0 points [",
    ]  # fmt: skip
    gone = sweep({**MAIN, "answer": [{"contrast": ["gone", "multi"]}]}, [({}, arms(self_both=0.5, multi=0.6))])
    assert first(gone).startswith("Yes: multi is better than self_both"), "an arm that is not there answers nothing"


def test_both_halves_of_a_question_are_answered_in_the_first_paragraph():
    settings = {
        **VARIED,
        "question": "Which temperature is best, and is multi better?",
        "answer": [["best", "contrast"], "trend"],
    }
    told = headline(sweep(settings, temperatures(0.5, 0.6, 0.7), ("t",)))
    assert told[0].startswith("With temperature 1.0 the gain multi - base is largest")
    assert "points [" in told[0]
    assert " Yes: multi is better than base: temperature 0.3 +10" in told[0]
    assert [sentence for sentence in told[1:] if "Yes: " in sentence] == []


def test_how_much_of_the_gain_comes_with_the_quantity():
    settings = {**VARIED, "question": "How much?", "default": 1.0, "varies": "quantity", "answer": ["share"]}
    made = sweep(settings, temperatures(0.5, 0.55, 0.6), ("t",))
    assert re.match(
        r"5\d% \[\d+, \d+\] of the gain comes with the quantity, from 0\.3 to 1\.0: "
        r"multi - base is \+20\.\d points \[\S+ \S+\] "
        r"with quantity 1\.0, \+1[45]\.\d points \[\S+ \S+\] with quantity 0\.7 \(7\d% \[\d+, \d+\] of it\), \+[19]\S+ points ",
        first(made),
    ), first(made)
    (answer,) = answers(made, "test")
    assert [row.label for row in answer.rows][-2:] == ["quantity 1.0 - quantity 0.3", "quantity 1.0 - quantity 0.7"]
    nothing = first(sweep(settings, temperatures(0.5, 0.5, 0.4), ("t",)))
    assert "of the gain comes with" not in nothing, "where there is no gain, there is no part of it"


def test_a_correction_stands_beside_several_comparisons_and_not_beside_one():
    jobs = [({}, arms(multi=0.7, star=0.5, resolve=0.7))]
    assert "after Holm's correction for these 2" in headline(sweep({"contrast": ["multi"], "answer": ["arms"]}, jobs))[1]
    alone = headline(sweep(MAIN, [({}, arms(self_both=0.5, multi=0.6))]))
    assert not any("Holm" in sentence for sentence in alone)


def test_a_correction_that_leaves_nothing_says_so():
    effect = Effect(Cell(0.1, 0.01, 0.2, 9, 0, (0.1, 0.2)), 0.1, 0.03)
    told = corrected([Compared("a", effect), Compared("b", replace(effect, p=0.04))])
    assert told.endswith("after Holm's correction for these 2, p is below 0.05 for none of them: a (0.06), b (0.06).")


def test_no_arm_is_better_than_one_that_all_are_compared_with():
    made = sweep({"contrast": ["multi"], "answer": ["arms"]}, [({}, arms(multi=0.7, star=0.5, resolve=0.7))])
    assert first(made).startswith("No arm is reliably better than multi")
    assert "worse than multi: star -20" in first(made)


VARIED = {"contrast": ["base", "multi"], "varies": "temperature", "default": 0.7}
TEMPERATURE = {"question": "At which temperature?", **VARIED, "answer": ["best"]}


def temperatures(*shares):
    return [({"t": value}, arms(multi=share)) for value, share in zip(("0.3", "0.7", "1.0"), shares, strict=True)]


def test_the_best_setting_is_compared_with_the_next_and_the_default():
    told = first(sweep(TEMPERATURE, temperatures(0.5, 0.4, 0.6), ("t",)))
    assert told.startswith("With temperature 1.0 the gain multi - base is largest, +20")
    assert "more than the next, temperature 0.3 (+10" in told
    assert "more than the default, temperature 0.7 (+20" in told
    assert first(sweep(TEMPERATURE, temperatures(0.5, 0.5, 0.5), ("t",))).startswith("No temperature is best as far as")


def test_a_trend_has_a_direction_and_an_interval():
    settings = {**TEMPERATURE, "answer": ["trend"], "question": "Does it grow?"}
    grows, flat, shrinks = (
        first(sweep(settings, temperatures(*s), ("t",))) for s in ((0.5, 0.6, 0.7), (0.5,) * 3, (0.7, 0.6, 0.5))
    )
    assert grows.startswith("Yes: multi - base grows from temperature 0.3 to temperature 1.0: +")
    assert flat.startswith("No trend of multi - base from temperature 0.3")
    assert shrinks.startswith("No: multi - base shrinks")
    (answer,) = answers(sweep(settings, temperatures(0.5, 0.6, 0.7), ("t",)), "test")
    assert answer.chart.startswith("<svg")


def test_only_the_first_answer_says_yes_or_no():
    settings = {**MAIN, "question": "Does it grow?", "varies": "size", "values": {"small": 1, "large": 2}}
    jobs = [({"model": name}, arms(self_both=0.5, multi=0.7)) for name in ("small", "large")]
    made = sweep({**settings, "answer": ["trend", "contrast"]}, jobs, ("model",))
    grows, better = (answer.sentences[0] for answer in answers(made, "test"))
    assert grows.startswith("No trend of multi - self_both")
    assert better.startswith("multi is better than self_both: ")
    assert headline(sweep({**settings, "answer": ["contrast"]}, jobs, ("model",)))[0].startswith("Yes: multi is better")


def test_settings_that_are_names_have_a_place_by_the_sweeps_file():
    settings = {**MAIN, "values": {"small": 1, "large": 16}, "varies": "million parameters", "answer": ["trend"]}
    jobs = [({"model": name}, arms(self_both=0.5, multi=share)) for name, share in (("small", 0.5), ("large", 0.6))]
    assert "from small (1 million parameters) to large (16 million parameters)" in first(sweep(settings, jobs, ("model",)))
    assert "over doublings" in first(sweep(settings, jobs, ("model",)))


def test_settings_are_compared_with_the_default_one():
    settings = {"question": "What is left?", "contrast": ["base", "multi"], "varies": "filter", "default": "right"}
    jobs = [({"filter": name}, arms(multi=share)) for name, share in (("right", 0.6), ("majority", 0.4))]
    told = first(sweep({**settings, "answer": ["against"]}, jobs, ("filter",)))
    assert told.startswith("multi - base is +20")
    assert "with filter majority " in told
    assert ", less (-20" in told
    told = first(sweep({**settings, "answer": [{"against": "multi"}]}, jobs, ("filter",)))
    assert told.startswith("Accuracy of multi is 60")


def test_the_last_round_is_compared_with_the_first():
    course = {("base", 0): 0.4, ("multi", 1): 0.5, ("multi", 2): 0.6}
    told = first(sweep({"question": "Do more rounds help?", "answer": ["rounds"]}, [({}, course)]))
    assert told.startswith("Yes: further rounds add: multi: round 2 - round 1 +10")


def test_choosing_is_compared_with_training():
    settings = {"question": "Is choosing worth as much?", "contrast": ["base", "multi"], "policies": ["router"]}
    made = sweep({**settings, "answer": ["choosing"]}, [({}, arms(multi=0.6))])
    for number, run in enumerate(made.runs):
        run.found["policies"] = {
            "test": {
                "base": {"router": {"accuracy": 0.7 + number / 100, "n": 100}},
                "multi": {"one": {"accuracy": 0.6, "n": 100}},
            }
        }
    assert first(made).startswith("Yes: worth more than multi by its best single method: base by routed +11.0 [")
    alone = replace(made, runs=made.runs[:1])
    assert first(alone).startswith("No difference that this size can show: base by routed +10.0 [")


def test_a_run_that_says_nothing_is_answered_by_what_it_varies():
    plain = {"question": "", "contrast": None}
    assert first(sweep(plain, [({}, arms(multi=0.6))])).startswith("multi is better than base, +20")
    by_arm = [({"method": name}, arms(**{name: 0.6})) for name in ("a", "b")]
    assert first(sweep(plain, by_arm)).startswith("Better than base: ")
    by_number = sweep({"contrast": ["base", "multi"]}, temperatures(0.5, 0.6, 0.7), ("t",))
    assert first(by_number).startswith("Yes: multi - base grows")


def test_a_kind_of_answer_that_there_is_none_of_is_told():
    with pytest.raises(DataError, match=r"sweep\.answer holds 'luck'; it is a list of contrast, arms"):
        headline(sweep({"answer": ["luck"]}, [({}, arms(multi=0.6))]))
    for entry in ({"best": ["a", "b"]}, {"contrast": ["a"]}):
        with pytest.raises(DataError, match=r"sweep\.answer holds \{"):
            headline(sweep({"answer": [entry]}, [({}, arms(multi=0.6))]))


def test_every_sweep_says_how_its_question_is_answered(sweep_files):
    for name, settings in sweep_files.items():
        assert settings["varies"], name
        assert settings["answer"], json.dumps(settings)
