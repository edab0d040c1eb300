import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmst.datasets.catalog import read_split
from mmst.datasets.contamination import contaminated
from mmst.types import Problem

LONG = "A baker has 12 trays with 6 rolls each and sells 20 rolls in the morning before noon."


def problem(id, question):
    return Problem(id, question, "1")


def test_equal_words_are_found_whatever_their_case_and_marks():
    found = contaminated([problem("a", "How many  EGGS?"), problem("b", "How many hens?")], [problem("t", "how many eggs")])
    assert found.repeated == {"a": "t"}


def test_a_run_of_words_is_found_and_other_numbers_are_another_problem():
    train = [problem("a", f"Listen: {LONG} What is left?"), problem("b", LONG.replace("12", "13").replace("20", "21"))]
    assert contaminated(train, [problem("t", LONG)], ngram=10).repeated == {"a": "t"}
    assert contaminated(train, [problem("t", LONG)], ngram=50).repeated == {}


def test_a_short_problem_inside_a_longer_one_is_another_problem():
    assert contaminated([problem("a", "How many eggs?")], [problem("t", "How many eggs are there in the box?")]).repeated == {}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ana has 3 nuts and eats 2.", "Ana has 41 nuts and eats 1.5."),
        ("Ana has twenty-five nuts.", "ana has 7 nuts"),
        ("it costs rs . 1 / 2 .", "It costs Rs. 1,250."),
        (LONG, LONG.replace("12", "thirteen").replace("20", "21")),
        (f"Listen: {LONG} How many are left?", LONG.replace("6", "9") + " Did he sell most of them?"),
    ],
)
def test_a_problem_with_other_numbers_has_the_same_template(one, other):
    found = contaminated([problem("a", one)], [problem("t", other)])
    assert (found.repeated, found.templates) == ({}, {"a": "t"})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ana has 3 nuts.", "Ben has 3 nuts."),
        ("Ana has 3 nuts.", "Ana has nuts."),
        ("Where is it?", "Where is he?"),
        ("How many are 1 or 2 or 3 or 4 or 5 or 6 of his or 7?", "How many are 1 or 2 or 3 or 4 or 5 or 6 of hers or 7?"),
    ],
)
def test_other_words_are_another_template(one, other):
    assert contaminated([problem("a", one)], [problem("t", other)]).templates == {}


def test_what_is_repeated_does_not_count_as_a_template_too():
    found = contaminated([problem("a", "3 eggs"), problem("b", "4 eggs"), problem("c", "4 hens")], [problem("t", "3 eggs")])
    assert (found.repeated, found.templates, found.problems) == ({"a": "t"}, {"b": "t"}, 3)


@given(st.lists(st.sampled_from(["eggs", "hens", "3", "17", "four", "are", "sold"]), min_size=1, max_size=20))
def test_other_numbers_never_hide_a_problem_that_has_some(words):
    changed = ["9" if word in ("3", "17", "four") else word for word in words]
    found = contaminated([problem("a", " ".join(words))], [problem("t", " ".join(changed))])
    assert "a" in found.repeated or "a" in found.templates


def test_mawps_repeats_32_of_its_test_problems(real_data):
    train, test = (read_split("mawps", split, str(real_data)) for split in ("train", "test"))
    assert len(contaminated(train, test, ngram=None).repeated) == 32
    clean = read_split("mawps", "train", str(real_data), file="train_heldout_clean")
    assert contaminated(clean, test, ngram=None).repeated == {}


@pytest.mark.parametrize(("name", "repeated", "templates"), [("svamp", 158, 190), ("mathqa", 1255, 515), ("mawps", 135, 119)])
def test_real_sets_repeat_the_templates_of_their_tests(name, repeated, templates, real_data):
    train, test = (read_split(name, split, str(real_data)) for split in ("train", "test"))
    found = contaminated(train, test)
    assert (len(found.repeated), len(found.templates)) == (repeated, templates)
