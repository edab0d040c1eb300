"""Grade a file of completions: `python -m mmst.answers IN.jsonl OUT.jsonl`; see `mmst.stages.grade_file`."""

import runpy

if __name__ == "__main__":
    runpy.run_module("mmst.stages.grade_file", run_name="__main__", alter_sys=True)  # it needs what this package may not import
