"""The door to `mmst generate`: `python generate.py --help` shows what can be chosen."""

from mmst.cli.main import run_job

if __name__ == "__main__":
    run_job("generate")
