"""`python -m mmst`, where the command `mmst` is not on the PATH."""

from mmst.cli.main import main

if __name__ == "__main__":
    main()
