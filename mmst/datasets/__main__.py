"""List the data sets that are known by name: `python -m mmst.datasets [--root FOLDER]`."""

from __future__ import annotations

from mmst.cli.datasets import main

if __name__ == "__main__":
    main()
