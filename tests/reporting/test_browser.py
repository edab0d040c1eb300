"""The page in a browser: a problem, a filter, a link and a reload; what is accessible, and what is hostile."""

import re

import pytest

from mmst.reporting.index import Indexed, index_page
from mmst.reporting.page import page
from mmst.reporting.runs import read_sweep
from tests.reporting.browsing import chromium, violations
from tests.reporting.made import made_run

HOSTILE = '</script><img src="x" onerror="window.hit=1"><b>&amp;'
WIDTHS = (1280, 390)
ALL = 3 * (2 * 90 + 60 * (1 + 2 * 2))
"""Samples of the sweep: see test_samples."""
UNFOLD = "for (const fold of document.querySelectorAll('details')) fold.open = true"


@pytest.fixture(scope="module")
def browser():
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def written(sweep, tmp_path_factory):
    """A page with a draw of its samples, and all of them beside it."""
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(page(sweep, 200, path))
    return path


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """The page of one small run, whose texts are hostile."""
    root = tmp_path_factory.mktemp("small")
    made_run(root / "run", root / "ledger", problems=4, mark=HOSTILE)
    path = root / "a page.html"
    path.write_text(page(read_sweep(root / "run"), 100, path))
    return path


@pytest.fixture
def tab(browser, written):
    with opened(browser, written.as_uri()) as found:
        yield found


def opened(browser, address, width=1280, theme="light"):
    tab = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=theme)
    tab.set_default_timeout(120_000)  # of a busy machine; what is waited for comes, or never does
    tab.goto(address)
    tab.wait_for_selector("#samples[data-ready]", state="attached")
    return tab


def every(tab):
    """Wait until all samples are there."""
    tab.locator("#samples").scroll_into_view_if_needed()
    tab.wait_for_selector("#samples[data-all]", state="attached")


def count(tab):
    problems, shown, total = re.match(r"([\d,]+) problems, ([\d,]+) of ([\d,]+)", tab.inner_text("#count")).groups()
    return tuple(int(text.replace(",", "")) for text in (problems, shown, total))


def test_all_samples_come_from_beside_the_page_when_they_are_looked_at(tab):
    few = count(tab)[2]
    assert few < ALL
    every(tab)
    assert count(tab) == (180, ALL, ALL)
    assert tab.inner_text("#shown") == f"All {ALL:,} samples of these runs."


def test_a_page_that_is_alone_has_a_draw_and_says_how_many_more_there_are(browser, written, tmp_path):
    alone = tmp_path / "alone.html"
    alone.write_bytes(written.read_bytes())
    with opened(browser, alone.as_uri()) as tab:
        shown = count(tab)[2]
        every(tab)
        assert count(tab)[2] == shown
        told = rf"{shown} of {ALL:,} samples .* The other {ALL - shown:,} are in files that lay beside it, and are not here\."
        assert re.match(told, tab.inner_text("#shown"))


def test_a_problem_is_whole_and_a_link_to_it_shows_the_same_again(browser, written, tab):
    every(tab)
    tab.select_option("[aria-label=Filters] label:has-text('against the base') select", "gained")
    found = count(tab)
    assert 0 < found[0] < 180
    tab.click("#problems li:nth-child(2) button")
    tab.wait_for_selector("#problems li:nth-child(2) button[aria-current]")
    shown = tab.inner_text("#problem")
    assert "gold answer" in shown
    assert shown.count("base") >= 1
    assert tab.locator("#problem .card").count() == 2 * 5, "the base and two arms at two temperatures, by two methods"
    assert tab.locator("#problem .card.found .verdict.right").count() >= 1
    address = tab.url
    assert "change=gained" in address
    tab.reload()
    tab.wait_for_selector("#samples[data-all]", state="attached")
    assert count(tab) == found
    with opened(browser, address) as other:
        other.wait_for_selector("#samples[data-all]", state="attached")
        assert other.inner_text("#problem h3") == tab.inner_text("#problem h3")
        assert other.locator("#problems button[aria-current]").inner_text() == tab.inner_text("#problem h3")


def test_a_translation_stands_beside_its_source(tab):
    every(tab)
    tab.select_option("label:has-text('edge') select", "code -> text")
    pair = tab.locator("#problem .cards:has(.found)").first.locator(".head strong")
    assert pair.all_inner_texts() == ["code, by base", "code -> text"]
    tab.locator("#problem summary").first.click()
    assert "Question: How many of" in tab.locator("#problem details[open] pre").first.inner_text()


def test_a_search_marks_what_it_finds_in_questions_and_in_what_models_said(tab):
    every(tab)
    tab.fill("input[type=search]", "answer is 17.")
    tab.wait_for_function("!document.getElementById('count').textContent.includes('being loaded')")
    tab.wait_for_selector("#problem mark")
    _, shown, total = count(tab)
    assert 0 < shown < total
    assert {text.lower() for text in tab.locator("#problem mark").all_inner_texts()} == {"answer is 17."}
    tab.fill("input[type=search]", "no such words")
    tab.wait_for_function("document.getElementById('count').textContent.startsWith('0 problems')")
    assert tab.inner_text("#problem") == "No problem passes these filters."


def test_keys_go_from_problem_to_problem(tab):
    every(tab)
    tab.focus("#problems li:nth-child(1) button")
    tab.keyboard.press("j")
    tab.keyboard.press("ArrowDown")
    assert tab.locator("#problems button[aria-current]").inner_text() == tab.inner_text("#problems li:nth-child(3) button")
    tab.keyboard.press("k")
    tab.keyboard.press("p")
    assert tab.locator("#problem details[open]").count() == tab.locator("#problem details").count() > 0
    tab.keyboard.press("/")
    tab.keyboard.type("j")
    assert tab.input_value("input[type=search]") == "j", "in a field, a letter is a letter"


def test_escape_leaves_a_search_as_it_is_and_goes_back_to_the_open_problem(tab):
    every(tab)
    tab.click("#problems li:nth-child(3) button")
    tab.keyboard.press("/")
    tab.keyboard.press("Escape")
    assert tab.evaluate("document.activeElement.getAttribute('aria-current')") == "true"
    tab.fill("input[type=search]", "answer is 17.")
    tab.wait_for_function("location.hash.includes('q=')")
    found = count(tab)
    tab.keyboard.press("Escape")
    assert tab.input_value("input[type=search]") == "answer is 17."
    assert count(tab) == found


def test_a_link_to_what_is_not_there_says_so(browser, written):
    with opened(browser, f"{written.as_uri()}#samples?problem=nonesuch&model=nonesuch") as tab:
        every(tab)
        assert "the problem of this link is not among them" in tab.inner_text("#count")
        assert tab.input_value("label:has-text('model') select") == ""


def test_a_link_to_a_problem_far_down_shows_it_in_the_list(browser, written, tab):
    every(tab)
    tab.evaluate("for (let clicks = 0; clicks < 3; clicks++) document.getElementById('more').click()")
    tab.click("#problems li:nth-child(100) button")
    tab.wait_for_selector("#problems li:nth-child(100) button[aria-current]")
    with opened(browser, tab.url) as other:
        every(other)
        assert other.locator("#problems li:nth-child(100) button[aria-current]").count() == 1


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_lies_outside_the_window(browser, written, width):
    with opened(browser, written.as_uri(), width) as tab:
        tab.evaluate(UNFOLD)
        assert tab.evaluate("document.documentElement.scrollWidth") <= width


def test_what_is_wider_than_the_screen_says_that_it_scrolls(browser, written):
    """And nothing else does."""
    said = """[...document.querySelectorAll(".scroll, figure")].filter(one => one.clientWidth).map(one =>
        [one.scrollWidth > one.clientWidth + 1, getComputedStyle(one, "::before").content.includes("scroll sideways")])"""
    for width in WIDTHS:
        with opened(browser, written.as_uri(), width) as tab:
            tab.evaluate(UNFOLD)
            tab.wait_for_function(f"{said}.every(([wide, told]) => wide === told)")
            assert any(wide for wide, _ in tab.evaluate(said)) == (width < 700)


@pytest.mark.parametrize("width", WIDTHS)
def test_an_index_fits_and_axe_finds_nothing_in_it(browser, tmp_path, width):
    rows = [Indexed("made", "made.html", "Does it help, and is it so?", "Yes: " + "it does, and more of it does more. " * 9)]
    (tmp_path / "index.html").write_text(index_page("Questions", rows, "All of them."))
    tab = browser.new_page(viewport={"width": width, "height": 900})
    tab.goto((tmp_path / "index.html").as_uri())
    assert tab.evaluate("[...document.querySelectorAll('.scroll')].every(one => one.scrollWidth <= one.clientWidth)")
    assert violations(tab) == []


@pytest.mark.parametrize(("width", "theme"), [(1280, "light"), (390, "dark")])
def test_axe_finds_nothing(browser, small, width, theme):
    with opened(browser, small.as_uri(), width, theme) as tab:
        tab.evaluate(UNFOLD)
        assert violations(tab) == []


def test_hostile_texts_are_texts(browser, small):
    with opened(browser, small.as_uri()) as tab:
        every(tab)
        assert HOSTILE in tab.inner_text("#problem h3")
        assert HOSTILE in tab.locator("#problem pre").first.inner_text()
        tab.fill("input[type=search]", "<img")
        tab.wait_for_selector("#problem mark")
        assert tab.evaluate("window.hit") is None
        assert tab.locator("#samples img").count() == 0
