import pytest

from mmst.cli import ledger as command
from mmst.errors import DataError
from mmst.ledger.chunking import Chunking
from mmst.ledger.ledger import Ledger, Work
from mmst.ledger.spec import RowsSpec
from mmst.stages import asked
from mmst.types import Prompt

TEXTS = ["Question: 1 + 1?\nAnswer:", "Question: 2 + 2?\nAnswer:", "Question: 2 + 3?\nAnswer:", "Other"]


@pytest.fixture
def ledger(tmp_path):
    prompts = [Prompt(f"p{n}/text", text, (1,)) for n, text in enumerate(TEXTS)]
    work = Work(asked.NAME, RowsSpec("key"), lambda part, task: asked.asked_rows(part), asked.AskedRow)
    Ledger(tmp_path).chain(prompts, [work], Chunking(3), "prompts")
    return tmp_path


def test_prompts_come_back_whole(ledger):
    found = list(asked.found_prompts(ledger, ""))
    assert [row.text for row in found] == TEXTS
    assert [row.id for row in found] == [f"p{n}/text" for n in range(4)]
    assert [row.hash for row in found] == [asked.prompt_hash(text) for text in TEXTS]


def test_what_all_begin_with_is_written_once():
    rows = asked.asked_rows([Prompt(str(n), text, ()) for n, text in enumerate(TEXTS[:3])])
    assert [row.shared for row in rows] == ["Question: ", None, None]


def test_a_prompt_is_printed_by_its_hash(ledger, capsys):
    command.main([str(ledger), "--prompt", asked.prompt_hash(TEXTS[1])])
    said = capsys.readouterr().out
    assert TEXTS[1] in said
    assert TEXTS[0] not in said
    with pytest.raises(DataError, match="no prompt in"):
        command.main([str(ledger), "--prompt", "zzz"])


def test_a_sample_names_its_prompt():
    assert asked.prompt_of("svamp/12/text/3") == "svamp/12/text"
