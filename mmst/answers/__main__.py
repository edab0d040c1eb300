"""Grade a file of completions, or compare judges on it; see `mmst.stages.grade_file` and `mmst.stages.compare_file`.

python -m mmst.answers IN.jsonl OUT.jsonl
python -m mmst.answers compare IN.jsonl
"""

import runpy
import sys

if __name__ == "__main__":  # both need what this package may not import
    if sys.argv[1:2] == ["compare"]:
        runpy.run_module("mmst.stages.compare_file", run_name="__main__", alter_sys=True)
    else:
        runpy.run_module("mmst.stages.grade_file", run_name="__main__", alter_sys=True)
