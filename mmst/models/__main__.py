"""`python -m mmst.models check MODEL`, see `mmst.cli.examine`."""

import sys

from mmst.cli.examine import main

if __name__ == "__main__":
    sys.exit(main())
