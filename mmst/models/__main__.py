"""`python -m mmst.models check MODEL`, the same as `mmst models`; see `mmst.cli.examine`."""

import runpy

if __name__ == "__main__":  # a door: what stands behind it imports this package, and not the other way round
    runpy.run_module("mmst.cli.examine", run_name="__main__", alter_sys=True)
