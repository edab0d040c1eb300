"""List the data sets that are known by name: `python -m mmst.datasets [--root FOLDER]`, the same as `mmst datasets`."""

import runpy

if __name__ == "__main__":  # a door: what stands behind it imports this package, and not the other way round
    runpy.run_module("mmst.cli.datasets", run_name="__main__", alter_sys=True)
