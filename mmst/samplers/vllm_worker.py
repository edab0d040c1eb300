"""The process round a vLLM engine: `python vllm_worker.py`, by an interpreter that has vLLM, and may have nothing of mmst.

One JSON object a line. In: first how to make the engine (arguments of `vllm.LLM`), then requests. Out: `{"ready": true}`, then
for each request any number of `{"ended": n}` and one `{"completions": [...]}` or `{"error": "..."}`. It ends with its input.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
from pathlib import Path
from typing import Any, TextIO


def main() -> None:
    """Make the engine, and answer requests until there are no more."""
    out = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what vLLM prints must not mix with the answers
    requests: queue.Queue[str] = queue.Queue()
    threading.Thread(target=_read, args=(requests,), daemon=True).start()
    sys.path.pop(0)  # this file's folder: a module in it is called vllm too
    from vllm import LLM

    engine = LLM(**json.loads(requests.get()))
    _say(out, {"ready": True})
    while True:
        request = json.loads(requests.get())
        try:
            _say(out, {"completions": _completions(engine, request, out)})
        except Exception as error:
            _say(out, {"error": f"{type(error).__name__}: {error}"})


def _read(requests: queue.Queue[str]) -> None:
    """Lines of the input; at its end, whoever started this process is gone, and everything here goes too."""
    for line in sys.stdin:
        requests.put(line)
    os.killpg(0, signal.SIGKILL)


def _completions(engine: Any, request: dict[str, Any], out: TextIO) -> list[list[Any]]:
    from vllm import SamplingParams

    params = [SamplingParams(**request["params"], seed=seed, stop=stop or None, logprobs=0) for seed, stop in request["draws"]]
    prompts = [{"prompt_token_ids": tokens} for tokens in request["prompts"]]
    with Path(os.devnull).open("w") as nowhere:
        answers = engine.generate(prompts, params, use_tqdm=_telling_bar(out, nowhere))
    rows = []
    for answer in answers:
        best = answer.outputs[0]
        # vLLM cuts at the stop string that is listed first, where a token completes several: the tokens tell all of them
        tokens = list(best.token_ids) if isinstance(getattr(best, "stop_reason", None), str) else None
        counts = [len(answer.prompt_token_ids), len(best.token_ids)]
        rows.append([best.text, best.finish_reason, *counts, best.cumulative_logprob, tokens])
    return rows


def _telling_bar(out: TextIO, nowhere: TextIO) -> type:
    """What takes the place of vLLM's progress bars: the one that counts requests tells of them."""
    from tqdm import tqdm

    class Bar(tqdm):  # type: ignore[misc]
        def __init__(self, iterable: Any = None, **options: Any) -> None:
            self.tells = iterable is None
            super().__init__(iterable, **{**options, "disable": False, "file": nowhere})

        def update(self, n: float | None = 1) -> bool:
            if self.tells and n:
                _say(out, {"ended": int(n)})
            return bool(super().update(n))

    return Bar


def _say(out: TextIO, message: dict[str, Any]) -> None:
    out.write(json.dumps(message) + "\n")


if __name__ == "__main__":
    main()
