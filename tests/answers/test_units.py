"""Units of gold answers and of answers: another one is converted, and one of another kind is wrong."""

import pytest

from mmst.answers.units import unit_said
from mmst.datasets.golds import answer_kind
from mmst.judges.kinds import Exact
from mmst.methods.method import Reading
from mmst.stages.grade_file import Row, graded
from mmst.types import AnswerKind, Problem

WRONG = [
    ("$5", "5 cents"),
    ("$5", "€5"),
    ("$5", "£5"),
    ("$5", "5%"),
    ("5 cents", "$5"),
    ("60 km/h", "60 miles per hour"),
    ("60 km/h", "60 mph"),
    ("60 km/h", "60 km"),
    ("5 ft", "5 in."),
    ("5 GB", "5 MB"),
    ("5 Hz", "5 kHz"),
    ("5 kW", "5 W"),
    ("5 mol", "5 mmol"),
    ("25 °C", "25 °F"),
    ("5 m", "5 s"),
    ("5 m", "5 kg"),
    ("5 m", "5 m^2"),
    ("5 m/s", "5 m"),
    ("5.80 MeV", "5.80 GeV"),
    ("5 kg", "5 lb"),
    ("12 square feet", "12 feet"),
    ("12 m^2", "12 cm^2"),
    ("$5", "5 euros"),
    ("5 euros", "$5"),
]
RIGHT = [
    ("$5", "500 cents"),
    ("$5", "5"),
    ("$5", "$5"),
    ("$5", "\\$5"),
    ("$5", "5 dollars"),
    ("$5", "$5.00"),
    ("$5", "5 USD"),
    ("$5", "$5$"),
    ("$5", "$5 per hour"),
    ("500 cents", "$5"),
    ("60 km/h", "60"),
    ("60 km/h", "60 km per hour"),
    ("60 km/h", "60 kmph"),
    ("60 km/h", "60 kilometers per hour"),
    ("60 mph", "60 miles an hour"),
    ("60 mph", "60 miles per hour"),
    ("60 miles per hour", "60 mph"),
    ("5 ft", "5 feet"),
    ("5 ft", "60 inches"),
    ("5 kg", "5"),
    ("5 kg", "5000 g"),
    ("5 kg", "5 kilograms"),
    ("5 KG", "5 kg"),
    ("5 kg", "5 kg of apples"),
    ("5 kg", "$5$ kg"),
    ("5 kg", "$5 \\text{ kg}$"),
    ("12 m^2", "12 square meters"),
    ("12 m^2", "12 m²"),
    ("12 square feet", "12 sq ft"),
    ("25 °C", "25 degrees Celsius"),
    ("25 °C", "25"),
    ("25 °C", "25^\\circ C"),
    ("9.8 m/s^2", "9.8 m s^{-2}"),
    ("12 N·m", "12 N m"),
    ("12", "12 N·m"),
    ("12", "12~\\mathrm{cm}^{3}"),
    ("12", "12 s^-1"),
    ("12", "12 Ω"),
    ("12 ohms", "12 Ω"),
    ("3.5 hours", "3h 30m"),
    ("$5.30", "$5 and 30 cents"),
    ("5 miles", "5 miles in 3 hours"),
    ("5 hours", "5 hours a day"),
    ("2.5 hours", "2 hours and 30 minutes"),
    ("30 minutes", "half an hour"),
    ("60%", "60%"),
    ("60%", "60"),
    ("12 apples", "12 apples"),
    ("12 apples", "12"),
    ("5 kg", "five kilograms"),
    ("5 feet", "5 feet in total"),
    ("$18", "$18 for 3 days"),
    ("5 million dollars", "$5 million"),
    ("3 hours", "180 minutes = 3 hours"),
    ("$12", "12"),
    ("12 km", "12 km per day"),
    ("5 mL", "5 ml"),
    ("5 l", "5 liters"),
    ("20 minutes", "20 mins"),
]
FORMS = ("The answer is {}.", "\\boxed{{{}}}", "Answer: {}")


@pytest.mark.parametrize(("cases", "verdict"), [(WRONG, "wrong"), (RIGHT, "right")], ids=["wrong", "right"])
def test_a_number_is_judged_with_its_unit(cases, verdict):
    rows = [Row(form.format(said), gold, AnswerKind.NUMBER) for gold, said in cases for form in FORMS]
    differ = [(r.gold, r.completion) for r, found in zip(rows, graded(rows), strict=True) if found["verdict"] != verdict]
    assert differ == []


@pytest.mark.parametrize(
    ("said", "verdict"), [("5 g", "right"), ("5", "right"), ("0.005 kg", "right"), ("5 kg", "no_answer"), ("5 m", "no_answer")]
)
def test_a_choice_with_a_unit_is_chosen_with_it(said, verdict):
    row = Row(f"The answer is {said}.", "A", AnswerKind.CHOICE, ["5 g", "6 g"])
    assert [found["verdict"] for found in graded([row])] == [verdict]


@pytest.mark.parametrize(
    ("unit", "said", "verdict"),
    [
        ("kg", "5 kg", "right"),
        ("kg", "5", "right"),
        ("kg", "5000 g", "right"),
        ("kg", "5 m", "wrong"),
        ("dollars", "$5", "right"),
        ("dollars", "5 cents", "wrong"),
        ("dollars", "500 cents", "right"),
    ],
)
def test_a_judges_unit_is_that_of_gold_answers_without_one(unit, said, verdict):
    problem, reading = Problem("p", "?", "5"), Reading("5", "marked", completion=f"The answer is {said}.")
    if said == "500 cents":
        reading = Reading("500", "marked", completion=reading.completion)
    if said == "5000 g":
        reading = Reading("5000", "marked", completion=reading.completion)
    assert Exact(unit=unit)(problem, reading).verdict == verdict


def test_a_gold_answer_keeps_its_kind_with_a_unit_in_capitals():
    assert [answer_kind(gold, ()) for gold in ("5 GB", "5 KG", "25 \u00b0C", "$5", "3 Doors Down")] == ["number"] * 4 + ["text"]


def test_words_are_no_units():
    assert [unit_said(text) for text in ("5 at noon", "5 as well", "5 pm", "5 in all", "5 apples", "5 a day")] == [()] * 6
