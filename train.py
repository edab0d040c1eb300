"""The door to `mmst train`: `python train.py --help` shows what can be chosen."""

from mmst.cli.main import run_job

if __name__ == "__main__":
    run_job("train")
