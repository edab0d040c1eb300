import base64
import gzip
import html.parser
import json
import re
import shutil

import pytest

from mmst.reporting.page import page
from mmst.reporting.runs import read_sweep
from tests.reporting.made import made_run

VOID = {"meta", "input", "br", "hr", "img", "link"}


class Checked(html.parser.HTMLParser):
    """Knows whether every tag is closed in turn, and what ids there are."""

    def __init__(self):
        super().__init__()
        self.open, self.ids, self.links, self.headings = [], [], [], []

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.ids += [found["id"]] if "id" in found else []
        self.links += [found["href"]] if tag == "a" else []
        self.open += [] if tag in VOID else [tag]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] == "h2":
            self.headings.append(data)


@pytest.fixture(scope="module")
def text(sweep):
    return page(sweep, 10**6)


def test_a_page_is_whole_and_needs_nothing_but_itself(text):
    checked = Checked()
    checked.feed(text)
    assert checked.open == []
    assert {link.removeprefix("#") for link in checked.links} <= set(checked.ids)
    assert "<h1>Does it help?</h1>" in text
    assert re.findall(r"https?://(?!www\.w3\.org)", text) == []
    for title in (
        "Accuracy: test", "Paired differences: test", "Along sampling.params.temperature", "From samples to examples",
        "Learning curves", "Methods beside each other: test", "By family: test", "Audit", "What was run",
        "Problems and samples",
    ):  # fmt: skip
        assert title in checked.headings, title


def test_what_models_and_failures_say_is_text_and_no_markup(text):
    assert "no &lt;memory&gt;" in text
    assert "1 job failed and is missing here" in text
    assert "</script> is <b>" not in text
    packed = re.search(r'<script id="data"[^>]*>([^<]*)</script>', text)[1]
    assert "</script> is <b>" in gzip.decompress(base64.b64decode(packed)).decode()


def test_every_accuracy_has_n_and_an_interval(text):
    assert "95% interval over an arm&#39;s seeds (Student&#39;s t)" in text
    accuracies = text[text.index("<h2>Accuracy: test</h2>") :]
    rows = re.search(r"<tbody>(.*?)</tbody>", accuracies, re.DOTALL)[1]
    cells = [re.findall(r"<td>(.*?)</td>", row) for row in re.findall(r"<tr>(.*?)</tr>", rows)]
    assert len(cells) == 5
    for *accuracies, n, seeds in cells:
        assert all(re.fullmatch(r"\d+\.\d \[\d+\.\d, \d+\.\d\]", cell) for cell in accuracies)
        assert (n, seeds) == ("90", "3")


def test_a_single_run_without_its_ledger_has_a_page(tmp_path):
    made_run(tmp_path / "run", tmp_path / "ledger")
    shutil.rmtree(tmp_path / "ledger")
    text = page(read_sweep(tmp_path / "run"), 100)
    assert "The ledger of these runs is gone" in text
    assert "What became of run?" in text
    assert "over problems (Wilson)" in text


def test_a_run_without_a_base_and_of_one_method_has_a_page(tmp_path):
    """What `eval.py` leaves for a model alone."""
    folder = made_run(tmp_path / "run", tmp_path / "ledger")
    found = json.loads((folder / "results.json").read_text())
    for key in ("arms", "families", "verdicts"):
        found[key] = {"mine": {m: v for m, v in found[key]["base"].items() if m == "text"}}
    found.update(comparisons=[], pairs=[], counts={}, labels=[], correlations=[], sampled=[])
    (folder / "results.json").write_text(json.dumps(found))
    import pyarrow.parquet

    table = pyarrow.parquet.read_table(folder / "outcomes.parquet").to_pylist()
    rows = [{**row, "arm": "mine"} for row in table if (row["arm"], row["method"]) == ("base", "text")]
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), folder / "outcomes.parquet")
    assert "Accuracy: test" in page(read_sweep(folder), 100)
