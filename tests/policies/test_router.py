import msgspec
import numpy as np
import pytest

from mmst.policies.case import Experience
from mmst.policies.policy import PolicyError
from mmst.policies.router import Router
from tests.policies.made import RIGHT, case, lived

SHARED = [f"Ana shares {n} nuts among {n + 1} friends." for n in range(20)]
COMPARED = [f"Ben has {n} more nuts than Mia." for n in range(20)]


@pytest.fixture
def experience():
    """Text solves what is shared, code what is compared."""
    right = {"text": [4] * 20 + [0] * 20, "code": [1] * 20 + [4] * 20}
    return Experience("m", [*SHARED, *COMPARED], right, {method: [4] * 40 for method in right})


def test_words_choose_the_method_and_one_completion_is_paid_for(experience):
    new = [
        case("12", "5", question="Eve shares 71 pens among 3 friends."),
        case("5", "12", question="Tim has 90 more pens than Jo."),
    ]
    choices = Router().fit(experience).choose(new)
    assert [(row.method, row.verdict, row.tokens) for row in choices] == [("text", RIGHT, 10), ("code", RIGHT, 10)]
    assert all(row.confidence > 0.8 for row in choices)


def test_chances_are_near_the_training_rates(experience):
    chances = Router().fit(experience).chances(["shares nuts among friends", "more nuts than"])
    assert chances == pytest.approx(np.array([[1, 0.25], [0, 1]]), abs=0.15)


def test_it_does_not_depend_on_numbers_or_case(experience):
    model = Router().fit(experience)
    first, second = model.chances(["Ana shares 5 nuts", "ANA SHARES 7,500.25 NUTS"])
    assert first.tolist() == second.tolist()


def test_questions_without_a_known_word_go_to_the_better_method(experience):
    assert Router().fit(experience).choose([case("5", "12", question="¿Cuántos?")])[0].method == "code"


def test_equal_experience_makes_an_equal_router_and_saving_changes_nothing(experience):
    first, second = Router().fit(experience), Router().fit(experience)
    assert first == second
    saved = msgspec.json.decode(msgspec.json.encode(first))
    again = Router().restore(saved)
    questions = [*SHARED, *COMPARED]
    assert again.model == "m"
    assert again.chances(questions) == pytest.approx(first.chances(questions))


@pytest.mark.parametrize(("right", "expected"), [(4, 0.9), (0, 0.1)])
def test_a_method_that_is_always_right_or_never_is_a_constant(right, expected):
    experience = Experience("m", ["a b", "a c"], {"text": [right] * 2, "code": [1, 3]}, {m: [4] * 2 for m in ("text", "code")})
    chances = Router().fit(experience).chances(["a b", "zebra"])[:, 0]
    assert chances[0] == chances[1]
    assert chances[0] == pytest.approx(8.5 / 9 if right else 0.5 / 9)
    assert abs(chances[0] - expected) < 0.1


def test_one_question_and_unjudged_questions_are_enough_and_none_is_refused():
    assert Router().fit(lived(text=1, code=3)).choose([case("5", "12")])[0].method == "code"
    experience = Experience("m", ["x y", "x z"], {"text": [0, 0], "code": [2, 0]}, {"text": [0, 4], "code": [4, 4]})
    assert Router().fit(experience).choose([case("5", "12")])[0].method == "code"
    with pytest.raises(PolicyError, match=r"policy=router learns .* none of text"):
        Router().fit(Experience("m", ["x"], {"text": [0], "code": [2]}, {"text": [0], "code": [4]}))
    with pytest.raises(PolicyError, match=r"policy=router learns from verdicts on training problems, and there are none;"):
        Router().fit(None)


def test_questions_without_any_word_leave_the_rates():
    experience = Experience("m", ["?!", "..."], {"text": [1, 1], "code": [2, 3]}, {"text": [4, 4], "code": [4, 4]})
    assert Router().fit(experience).choose([case("5", "12", question="!")])[0].method == "code"


def test_no_cases_are_no_choices(experience):
    assert Router().fit(experience).choose([]) == []


@pytest.mark.parametrize("setting", ["longest", "least", "strength"])
def test_unusable_settings_are_refused(setting):
    with pytest.raises(PolicyError, match=f"policy.router.{setting}=0 must be above 0"):
        Router(**{setting: 0})


def test_one_method_is_no_choice():
    with pytest.raises(PolicyError, match="needs two methods, and there is code alone"):
        Router().needs(["code"])
