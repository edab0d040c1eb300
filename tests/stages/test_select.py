import pytest

from mmst.errors import ConfigError
from mmst.filters.filter import Filter
from mmst.stages.select import drop_constant, select, select_translations
from mmst.types import Problem, Verdict

GOOD = "The total is 3 * 4 = 12. The answer is 12."
GOLD = {"p1": "12", "p2": "10"}


def reasons(dropped):
    return [row.reason for row in dropped]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"verdict": Verdict.WRONG, "answer": "7"}, "not_right"),
        ({"verdict": Verdict.NO_ANSWER, "answer": None}, "not_right"),
        ({"verdict": Verdict.UNJUDGED}, "unjudged"),
        ({"finish": "length"}, "truncated"),
        ({"completion": "The answer is 12."}, "answer_only"),
    ],
)
def test_every_refused_row_has_its_reason(made, problems, methods, row, reason):
    kept, dropped = select([made(**{"completion": GOOD, **row})], problems, methods["text"], Filter(), "text -> text", GOLD)
    assert kept == []
    assert reasons(dropped) == [reason]
    assert dropped[0].edge == "text -> text"


def test_equal_solutions_of_a_problem_count_once(made, problems, methods):
    rows = [made(GOOD, index=0), made("  " + GOOD.replace(" = ", "  = "), index=1), made(GOOD, "10", index=0, problem="p2")]
    kept, dropped = select(rows, problems, methods["text"], Filter(), "e", GOLD)
    assert [row.sample.id for row in kept] == ["p1/text/0", "p2/text/0"]
    assert reasons(dropped) == ["duplicate"]
    assert len(select(rows, problems, methods["text"], Filter(deduplicate="none"), "e", GOLD)[0]) == 3


def test_at_most_k_a_problem(made, problems, methods):
    rows = [made(f"{i} + {12 - i} = 12. The answer is 12.", index=i) for i in range(6)]
    kept, dropped = select(rows, problems, methods["text"], Filter(per_problem=2), "e", GOLD)
    assert [row.sample.index for row in kept] == [0, 1]
    assert reasons(dropped) == ["per_problem_cap"] * 4
    with pytest.raises(ConfigError):
        Filter(per_problem=0)


def test_a_translation_must_keep_its_sources_answer(made, problems, methods):
    source = made("answer = 3 * 4", method="code")
    same = made(GOOD, "12.0", source=source.sample.id)
    drifted = made("3 + 4 = 7. The answer is 7.", "7", Verdict.WRONG, index=1, source=source.sample.id)
    silent = made("3 + 4", None, Verdict.NO_ANSWER, index=2, source=source.sample.id)
    kept, dropped = select_translations([same, drifted, silent], [source], problems, methods["text"], Filter(), "code -> text")
    assert kept == [same]
    assert reasons(dropped) == ["answer_changed", "answer_changed"]


def test_verification_is_against_the_source_not_the_gold(made, problems, methods):
    source = made("answer = 3 + 4", "7", Verdict.WRONG, method="code")
    faithful = made("3 + 4 = 7. The answer is 7.", "7", Verdict.WRONG, source=source.sample.id)
    corrected = made(GOOD, "12", source=source.sample.id, index=1)
    kept, _ = select_translations([faithful, corrected], [source], problems, methods["text"], Filter(), "code -> text")
    assert kept == [faithful]


def test_equal_calculations_count_once_whatever_the_words(made, problems, methods):
    texts = [GOOD, "We have 3*4=12 nuts. The answer is 12.", "First 4 * 3 = 12. The answer is 12."]
    kept, _ = select(
        [made(t, index=n) for n, t in enumerate(texts)], problems, methods["text"], Filter(deduplicate="steps"), "e", GOLD
    )
    assert [row.sample.index for row in kept] == [0, 2]
    programs = ["a = 3\nanswer = a * 4", "b = 3\nanswer = b * 4  # the same", "a = 4\nanswer = a * 3"]
    rows = [made(p, index=n, method="code") for n, p in enumerate(programs)]
    kept, _ = select(rows, problems, methods["code"], Filter(deduplicate="steps"), "e", GOLD)
    assert [row.sample.index for row in kept] == [0, 2]


def test_a_text_with_a_wrong_step_is_dropped_where_asked_for(made, problems, methods):
    lucky = made("The total is 3 * 4 = 13. The answer is 12.")
    assert select([lucky], problems, methods["text"], Filter(), "e", GOLD)[0] == [lucky]
    kept, dropped = select([lucky], problems, methods["text"], Filter(drop_wrong_steps=True), "e", GOLD)
    assert (kept, reasons(dropped)) == ([], ["wrong_step"])


def test_a_long_solution_is_dropped_where_asked_for(made, problems, methods):
    kept, dropped = select([made(GOOD)], problems, methods["text"], Filter(longest=5), "e", GOLD)
    assert (kept, reasons(dropped)) == ([], ["too_long"])


def test_labels_without_gold_judge_what_gold_could_not(made, problems, methods):
    unread = made(GOOD, verdict=Verdict.UNJUDGED)
    assert select([unread], problems, methods["text"], Filter(labels="majority"), "e", {"p1": "12"})[0] == [unread]
    lost = made(GOOD, None, verdict=Verdict.UNJUDGED)
    assert reasons(select([lost], problems, methods["text"], Filter(labels="majority"), "e", {"p1": "12"})[1]) == ["unjudged"]
    assert reasons(select([made(GOOD)], problems, methods["text"], Filter(labels="majority"), "e", {})[1]) == ["not_right"]


def test_programs_that_ignore_the_problems_numbers_are_found(made, methods, sandbox):
    problem = Problem("p1", "Ana has 3 bags of 4 nuts, and 2 friends. How many nuts is that?", "12")
    programs = [
        "bags = 3\nnuts = 4\nanswer = bags * nuts",
        "friends = 2\nanswer = 10 + 2 * 0 + 2 - friends + friends",
        "friends = 2\nanswer = 6 * 2",
        "friends = 2\nanswer = 20 - 8",
        "answer = 5 + 7",
    ]
    rows = [made(program, index=n, method="code") for n, program in enumerate(programs)]
    kept, dropped = drop_constant(rows, {"p1": problem}, methods["code"], sandbox, "e")
    assert [row.sample.index for row in kept] == [0, 1, 2, 4]  # the last one has none of the numbers: nothing to change
    assert reasons(dropped) == ["answer_only"]


@pytest.mark.parametrize(
    "bad",
    [
        {"least_share": 0}, {"least_share": 1.1}, {"longest": 0}, {"share": 0.0}, {"share": 1.5}, {"most": 0},
        {"disagreement": -0.1}, {"disagreement": 0.5, "replay": 0.1},
    ],
    ids=str,
)  # fmt: skip
def test_impossible_filters_are_refused(bad):
    with pytest.raises(ConfigError, match=next(iter(bad))):
        Filter(**bad)


@pytest.mark.parametrize("share", [-0.1, 1.0])
def test_a_replay_that_is_no_share_is_refused(share):
    with pytest.raises(ConfigError, match=r"filter\.replay"):
        Filter(replay=share)
