from mmst.datasets.catalog import read_split
from mmst.datasets.contamination import contaminated
from mmst.types import Problem

LONG = "A baker has 12 trays with 6 rolls each and sells 20 rolls in the morning before noon."


def problem(id, question):
    return Problem(id, question, "1")


def test_equal_words_are_found_whatever_their_case_and_marks():
    found = contaminated([problem("a", "How many  EGGS?"), problem("b", "How many hens?")], [problem("t", "how many eggs")])
    assert found == {"a": "t"}


def test_a_run_of_words_is_found_and_other_numbers_are_another_problem():
    train = [problem("a", f"Listen: {LONG} What is left?"), problem("b", LONG.replace("12", "13").replace("20", "21"))]
    assert contaminated(train, [problem("t", LONG)], ngram=10) == {"a": "t"}
    assert contaminated(train, [problem("t", LONG)], ngram=50) == {}


def test_a_short_problem_inside_a_longer_one_is_another_problem():
    assert contaminated([problem("a", "How many eggs?")], [problem("t", "How many eggs are there in the box?")]) == {}


def test_mawps_repeats_32_of_its_test_problems(real_data):
    train, test = (read_split("mawps", split, str(real_data)) for split in ("train", "test"))
    assert len(contaminated(train, test, ngram=10**6)) == 32
    clean = read_split("mawps", "train", str(real_data), file="train_heldout_clean")
    assert contaminated(clean, test, ngram=10**6) == {}
