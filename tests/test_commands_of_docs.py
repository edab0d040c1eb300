"""Every command that a page tells a user to write is one that there is: its overrides compose, its modules and files exist."""

import importlib.util
import re
import shlex

import pytest
from omegaconf import OmegaConf

from mmst.cli.help import COMMANDS
from mmst.cli.main import JOBS
from mmst.cli.places import SWEEPS
from tests.composing import composed
from tests.conftest import ROOT

PAGES = [ROOT / "README.md", ROOT / "sweeps" / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^ *```[^\n]*\n(.*?)^ *```", re.DOTALL | re.MULTILINE)
START = re.compile(r"(?:[A-Z_0-9]+=\S* )*(?:[^\s=]*bin/)?(?:python3? |mmst )")
OVERRIDE = re.compile(r"[+~]{0,2}[a-z_]+(?:[./@][\w./@]+)*=\S+")


def commands_of(text):
    """Lines of code blocks, and code within sentences, that begin as a command does."""
    inside = " ".join(BLOCK.sub("", text).split())
    lines = "\n".join(BLOCK.findall(text)).replace("\\\n", " ").splitlines() + re.findall(r"`([^`]+)`", inside)
    return [line.split(" #")[0].strip() for line in lines if START.match(line)]


COMMANDS_OF_PAGES = [
    pytest.param(command, id=f"{page.parent.name}/{page.name}: {command}")
    for page in PAGES
    for command in dict.fromkeys(commands_of(page.read_text()))
]


def job_and_words(command):
    """(`train`, its overrides), or (None, words) where it is no job."""
    words = [word for word in shlex.split(command) if not re.fullmatch(r"[A-Z_0-9]+=\S*", word)]
    program, *rest = words
    if program.endswith("mmst"):
        return (rest[0], rest[1:]) if rest and rest[0] in JOBS else (None, rest)
    script = re.fullmatch(r"(train|generate|eval)\.py", rest[0])
    return (script[1], rest[1:]) if script else (None, rest)


def check_other(words):
    """A command of `mmst`, a module, or a script."""
    if words[0] == "-m":
        assert importlib.util.find_spec(words[1]), words
    elif words[0].endswith(".py"):
        assert (ROOT / words[0]).is_file(), words
    else:
        assert words[0] in COMMANDS, words


def single(word):
    """One job's override of one that names several."""
    if not OVERRIDE.match(word) or "[" in word or "{" in word or '"' in word:
        return word
    key, _, value = word.partition("=")
    return f"{key}={value.split(',')[0]}"


@pytest.mark.parametrize("command", COMMANDS_OF_PAGES)
def test_a_command_is_one_that_there_is(command):
    job, words = job_and_words(command)
    if job is None:
        return check_other(words)
    words = [word for word in words if word not in ("...", "--help", "-m", "--multirun")]
    if "--cfg" in words:
        words = words[: words.index("--cfg")]
    sweeps = [word.partition("=")[2] for word in words if word.startswith("sweep=")]
    assert all(name.isupper() or (SWEEPS / f"{name}.yaml").is_file() for name in sweeps)
    if "--config-dir" in words:
        return None  # of files that the page itself shows
    overrides = [single(word) for word in words if not word.startswith(("sweep=", "hydra", "-")) and OVERRIDE.match(word)]
    OmegaConf.to_yaml(composed(job, *overrides))
    return None


@pytest.mark.parametrize("page", ["cluster", "troubleshooting"])
def test_overrides_within_sentences_compose(page):
    text = BLOCK.sub("", (ROOT / "docs" / f"{page}.md").read_text())
    found = [shlex.split(code) for code in re.findall(r"`([^`]+)`", text)]
    wholly = [words for words in found if words and all(OVERRIDE.fullmatch(word) for word in words)]
    assert len(wholly) >= 4
    for words in wholly:
        composed("train", *(word for word in words if not word.startswith("hydra")))
