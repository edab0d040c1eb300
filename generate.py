"""The data stages alone: problems in, a folder of examples out. `python generate.py --help` shows what can be chosen."""

import hydra
from omegaconf import DictConfig

from mmst.entry import generated, launch, opened_job
from mmst.preview import preview
from mmst.reporting.dataset import preference_pairs, print_examples, write_dataset
from mmst.reporting.progress import say


@hydra.main(version_base="1.3", config_path="configs", config_name="generate")
def main(config: DictConfig) -> None:
    """Sample, grade, select, translate, assemble, and write a data set."""
    if config.prompts:
        preview(config)
        return
    with opened_job(config) as job:
        examples = generated(job)
        pairs = preference_pairs(job.pipeline)
        path = write_dataset(examples, job.pipeline.ledger, job.folder / "examples", config, pairs)
        print_examples(examples, config.show)
        say(f"results: {path}")


if __name__ == "__main__":
    launch(main)
