"""What must not leave the machine: secrets, which stop a push, and paths of the machine, which are made relative."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmst.errors import NotPushedError
from mmst.samplers.secrets import MASK, SECRET

TOKENS = re.compile(
    r"(?<![\w-])(?:hf_[A-Za-z0-9]{20,}|sk-(?=[\w-]*\d)[\w-]{20,}|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|xox[abprs]-[\w-]{10,}"
    r"|A[KS]IA[0-9A-Z]{16}(?!\w)|AIza[\w-]{35}|-----BEGIN [A-Z ]*PRIVATE KEY-----)"
)
"""Tokens by the beginnings that their hosts give them (Hugging Face, OpenAI, GitHub, Slack, AWS, Google), and keys in PEM."""
CREDENTIALS = re.compile(r"\b[a-z][a-z0-9+.-]*://(?!\*{3}@)[^\s/:@\"'<>]*:?[^\s/:@\"'<>]+@[\w.-]+", re.I)
"""An address with a user or a password in it."""
NAMED = re.compile(r"(TOKEN|KEYS?|SECRETS?|PASSWORDS?|PASSWD)(_|$)", re.I)
"""Names of environment variables whose values are nobody's business; MAX_TOKENS and TOKENIZERS_PARALLELISM are none."""
SHORTEST = 8
"""Characters of a value that counts as a secret: shorter ones, such as `true`, stand anywhere."""
ABSOLUTE = re.compile(r"(?<![\w./:~<>*-])/(?:[\w.@+-]+/)+([\w.@+-]+)")
"""A path in a document that mmst wrote."""
SHOWN = 6


class SecretFoundError(NotPushedError):
    """Something that is to be pushed holds a secret. Says where, and not which."""


@dataclass(frozen=True)
class Guard:
    """What is secret on this machine, and where its folders are."""

    secrets: Mapping[str, str]
    """Value -> what it is."""
    places: Mapping[str, str]
    """A folder's or file's path -> what stands for it; longer paths first."""

    @classmethod
    def of(cls, run: Path, config: Mapping[str, Any], ledger: str = "", environment: Mapping[str, str] = os.environ) -> Guard:
        """What the environment and a run's configuration tell.

        Args:
            run: the run's folder.
            config: its composed configuration.
            ledger: the ledger's folder.
            environment: the variables of this process.
        """
        secrets = {v: f"the value of {name}" for name, v in environment.items() if NAMED.search(name) and len(v) >= SHORTEST}
        paths = [str(run.absolute()), str(run.resolve()), *([ledger] if ledger else [])]
        for key, value in _texts(config):
            named = SECRET.search(key) and key != "key"  # that one is a column of exemplars
            if named and value != MASK and len(value) >= SHORTEST:
                secrets[value] = f"the value of {key} in the configuration"
            elif value.startswith(("/", "~/")):
                paths.append(str(Path(value).expanduser()))
        places = {path: _relative(path) for path in paths} | {str(Path.home()): "~", str(Path.cwd()): ""}
        known = {path: name for path, name in places.items() if len(Path(path).parts) > 1}
        return cls(secrets, dict(sorted(known.items(), key=lambda row: -len(row[0]))))

    def tidied(self, text: str, where: str) -> str:
        """A text with relative paths.

        Raises:
            SecretFoundError: it holds a secret. where: what the text is, for the sentence.
        """
        self.check(text, where)
        return self._relative(text)

    def document(self, text: str, where: str) -> str:
        """As `tidied`, of a text that mmst wrote: of any other absolute path the last part alone is left."""
        return ABSOLUTE.sub(r"\1", self.tidied(text, where))

    def check(self, text: str, where: str) -> None:
        """Refuse a text that holds a secret. Raises as `tidied`."""
        said = next((what for value, what in self.secrets.items() if value in text), None)
        if said is None and (found := TOKENS.search(text) or CREDENTIALS.search(text)):
            said = f"what looks like a token or a password ('{found[0][:SHOWN]}{MASK}')"
        if said:
            raise SecretFoundError(
                f"push: {where} holds {said}, so nothing was sent; take it out of where it comes from and push again, or, "
                "where it is none, `hf upload` sends the folder as it is."
            )

    def _relative(self, text: str) -> str:
        for path, name in self.places.items():
            if path in text:  # behind `<` it is the end of an HTML element
                whole = rf"(?<![\w.~<-]){re.escape(path)}(?![\w.-])"
                text = re.sub(f"{whole}/", f"{name}/" if name else "", text)
                text = re.sub(whole, name or ".", text)
        return text


def _relative(path: str) -> str:
    """A path as seen from the working folder, where it is inside; else its last part."""
    here = Path.cwd()
    return str(Path(path).relative_to(here)) if Path(path).is_relative_to(here) else Path(path).name


def _texts(config: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """(key, text) for every text of a configuration."""
    if isinstance(config, Mapping):
        for name, value in config.items():
            yield from _texts(value, str(name))
    elif isinstance(config, list | tuple):
        for value in config:
            yield from _texts(value, key)
    elif isinstance(config, str):
        yield key, config
