"""An index of pages: what each run or sweep asks, and the first sentence of its answer, read from the pages themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html.parser import HTMLParser
from importlib import resources
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

INDEX = "index.html"


@dataclass(frozen=True, slots=True)
class Indexed:
    """A run or a sweep in an index."""

    name: str
    page: str | None
    """Its page, from the index; None where there is none yet."""
    question: str = ""
    answer: str = ""
    state: str = ""
    folder: str = ""
    """Where it lies, for comparing; empty where it cannot be compared."""


def index_page(title: str, rows: Sequence[Indexed], about: str = "", texts: Sequence[tuple[str, str]] = ()) -> str:
    """The index. Where rows have folders, any two of them can be chosen, and the command that compares them is shown.

    texts: files and their titles, below the table.
    """
    environment = Environment(
        loader=PackageLoader("mmst.reporting", "page"), undefined=StrictUndefined, autoescape=select_autoescape(["j2"])
    )
    files = resources.files("mmst.reporting") / "page"
    return environment.get_template("index.html.j2").render(
        title=title,
        rows=rows,
        about=about,
        texts=texts,
        comparable=any(row.folder for row in rows),
        style=(files / "page.css").read_text(),
        script=(files / "index.js").read_text(),
    )


def index_of_pages(folder: Path) -> list[Indexed]:
    """The pages of a folder, by name."""
    pages = sorted(path for path in folder.glob("*.html") if path.name != INDEX)
    return [Indexed(path.stem, path.name, *facts_of(path)) for path in pages]


def texts_of(folder: Path) -> list[tuple[str, str]]:
    """The Markdown texts of a folder: file, and first heading."""
    found = [(path.name, path.read_text(errors="replace").splitlines()) for path in sorted(folder.glob("*.md"))]
    return [(name, next((line.lstrip("# ") for line in lines if line.startswith("# ")), name)) for name, lines in found]


def facts_of(page: Path) -> tuple[str, str]:
    """The question of a page, and the first sentence of its answer."""
    parser = _Facts()
    parser.feed(page.read_text(errors="replace"))
    return parser.texts["h1"].strip(), parser.texts["answer"].strip()


class _Facts(HTMLParser):
    """Reads the first heading, and the first paragraph of the class `answer`."""

    def __init__(self) -> None:
        super().__init__()
        self.texts = {"h1": "", "answer": ""}
        self.inside: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """See `HTMLParser`."""
        kind = "answer" if tag == "p" and ("class", "answer") in attrs else tag
        if kind in self.texts and not self.texts[kind]:
            self.inside = kind

    def handle_endtag(self, tag: str) -> None:
        """See `HTMLParser`."""
        if tag in ("h1", "p"):
            self.inside = None

    def handle_data(self, data: str) -> None:
        """See `HTMLParser`."""
        if self.inside is not None:
            self.texts[self.inside] += data
