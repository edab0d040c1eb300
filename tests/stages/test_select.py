import pytest

from mmst.errors import ConfigError
from mmst.stages.select import Filter, select, select_translations
from mmst.types import Verdict

GOOD = "The total is 3 * 4 = 12. The answer is 12."


def reasons(dropped):
    return [row.reason.value for row in dropped]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"verdict": Verdict.WRONG}, "not_right"),
        ({"verdict": Verdict.NO_ANSWER}, "not_right"),
        ({"verdict": Verdict.UNJUDGED}, "unjudged"),
        ({"finish": "length"}, "truncated"),
        ({"completion": "The answer is 12."}, "leak"),
    ],
)
def test_every_refused_row_has_its_reason(made, problems, methods, row, reason):
    kept, dropped = select([made(**{"completion": GOOD, **row})], problems, methods["text"], Filter(), "text -> text")
    assert kept == []
    assert reasons(dropped) == [reason]
    assert dropped[0].edge == "text -> text"


def test_equal_solutions_of_a_problem_count_once(made, problems, methods):
    rows = [made(GOOD, index=0), made("  " + GOOD.replace(" = ", "  = "), index=1), made(GOOD, index=0, problem="p2")]
    kept, dropped = select(rows, problems, methods["text"], Filter(), "e")
    assert [row.sample.id for row in kept] == ["p1/text/0", "p2/text/0"]
    assert reasons(dropped) == ["duplicate"]
    assert len(select(rows, problems, methods["text"], Filter(deduplicate=False), "e")[0]) == 3


def test_at_most_k_a_problem(made, problems, methods):
    rows = [made(f"{i} + {12 - i} = 12. The answer is 12.", index=i) for i in range(6)]
    kept, dropped = select(rows, problems, methods["text"], Filter(per_problem=2), "e")
    assert [row.sample.index for row in kept] == [0, 1]
    assert reasons(dropped) == ["over_cap"] * 4
    with pytest.raises(ConfigError):
        Filter(per_problem=0)


def test_a_translation_must_keep_its_sources_answer(made, problems, methods):
    source = made("answer = 3 * 4", method="code")
    same = made(GOOD, "12.0", source=source.sample.id)
    drifted = made("3 + 4 = 7. The answer is 7.", "7", Verdict.WRONG, index=1, source=source.sample.id)
    silent = made("3 + 4", None, Verdict.NO_ANSWER, index=2, source=source.sample.id)
    kept, dropped = select_translations([same, drifted, silent], [source], problems, methods["text"], Filter(), "code -> text")
    assert kept == [same]
    assert reasons(dropped) == ["drift", "drift"]


def test_verification_is_against_the_source_not_the_gold(made, problems, methods):
    source = made("answer = 3 + 4", "7", Verdict.WRONG, method="code")
    faithful = made("3 + 4 = 7. The answer is 7.", "7", Verdict.WRONG, source=source.sample.id)
    corrected = made(GOOD, "12", source=source.sample.id, index=1)
    kept, _ = select_translations([faithful, corrected], [source], problems, methods["text"], Filter(), "code -> text")
    assert kept == [faithful]
