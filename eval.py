"""Score a model by every method. `python eval.py --help` shows what can be chosen."""

import hydra
from omegaconf import DictConfig

from mmst.entry import evaluated, launch, opened_job
from mmst.reporting.progress import CONSOLE
from mmst.reporting.results import print_results, run_results, write_results


@hydra.main(version_base="1.3", config_path="configs", config_name="eval")
def main(config: DictConfig) -> None:
    """Sample greedily, grade, and print the scores."""
    with opened_job(config) as job:
        result, measured_on = evaluated(job)
        found = run_results([result], [], measured_on, job.pipeline.ledger)
        path = write_results(found, job.folder)
        print_results(found, f"{config.model.name} on {config.dataset.name}")
        CONSOLE.print(f"results: {path}", markup=False, soft_wrap=True)


if __name__ == "__main__":
    launch(main)
