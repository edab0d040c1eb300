"""Score a model by every method. `python eval.py --help` shows what can be chosen."""

from itertools import combinations

import hydra
from omegaconf import DictConfig

from mmst.entry import evaluated, launch, opened_job, plain
from mmst.preview import preview
from mmst.reporting.progress import say
from mmst.reporting.results import print_results, run_results, write_outcomes, write_results
from mmst.reporting.tracking import track_results


@hydra.main(version_base="1.3", config_path="configs", config_name="eval")
def main(config: DictConfig) -> None:
    """Sample greedily, grade, and print the scores."""
    if config.prompts:
        preview(config)
        return
    with opened_job(config) as job:
        results, measured_on = evaluated(job)
        pairs = list(combinations([result.arm for result in results], 2))
        found = run_results(results, pairs, measured_on, job.pipeline.ledger, plain(config))
        path = write_results(found, job.folder)
        write_outcomes(results, job.folder)
        print_results(found, f"{config.model.name} on {config.dataset.name}")
        if job.tracker:
            track_results(job.tracker, found, job.folder)
        say(f"results: {path}")


if __name__ == "__main__":
    launch(main)
