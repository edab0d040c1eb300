"""The door to `mmst report`: `python report.py runs/sweep/main`."""

import sys

from mmst.cli.main import main

if __name__ == "__main__":
    main(["report", *sys.argv[1:]])
