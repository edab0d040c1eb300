import pytest

from mmst.reporting.power import power_sentence


@pytest.mark.parametrize(
    ("visible", "words"),
    [
        ([0.0312], "could show: 3.1 points (80% power"),
        ([0.052, 0.0312], "could show: 3.1 to 5.2 points"),
        ([0.1004, 0.0998], "could show: 10.0 points"),
        ([0.2, None], "20.0 points (80% power, p < 0.05 after Holm's correction). In some rows none could"),
        ([None], "No difference could show in this table at 80% power"),
    ],
)
def test_the_sentence_gives_the_range_over_rows(visible, words):
    assert words in power_sentence([{"visible": value} for value in visible])


def test_results_of_earlier_versions_have_no_such_number():
    assert "No difference" in power_sentence([{}])
