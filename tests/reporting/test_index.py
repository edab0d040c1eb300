from mmst.reporting.index import Indexed, facts_of, index_of_pages, index_page, texts_of
from mmst.reporting.page import page


def test_an_index_says_what_each_page_answers(sweep, tmp_path):
    (tmp_path / "made.html").write_text(page(sweep, 50))
    (tmp_path / "other.html").write_text(
        "<h1>Is <b>it</b> so?</h1><p class='answer'>Yes &amp; no.</p><p class='answer'>More.</p>"
    )
    (tmp_path / "index.html").write_text("an older index")
    made, other = index_of_pages(tmp_path)
    assert (made.name, made.page, made.question) == ("made", "made.html", "Does it help?")
    assert made.answer.endswith(").") or made.answer.endswith(".")
    assert facts_of(tmp_path / "other.html") == ("Is it so?", "Yes & no.")
    (tmp_path / "notes.md").write_text("no heading\n# Five <seeds>\n# More")
    text = index_page("Questions", [made, other], texts=texts_of(tmp_path))
    assert '<a href="notes.md">Five &lt;seeds&gt;</a>' in text
    assert '<a href="made.html">made</a>' in text
    assert "Yes &amp; no." in text
    assert "<script>" not in text, "there is nothing to compare"


def test_runs_that_can_be_compared_have_a_box_and_are_no_markup():
    rows = [
        Indexed("train/<a>", None, "", "base 1.0", "done", "runs/train/<a>"),
        Indexed("train/b", None, state="not finished"),
    ]
    text = index_page("Runs", rows)
    assert 'value="runs/train/&lt;a&gt;"' in text
    assert text.count('type="checkbox"') == 1
    assert "<a>" not in text
