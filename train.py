"""The main job: rounds of multi-method self-training, end to end. `python train.py --help` shows what can be chosen."""

from itertools import combinations
from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from mmst.entry import launch, opened_job, plain, rounds_plan, test_sets, train_set
from mmst.forecast import print_forecast
from mmst.preview import preview
from mmst.reporting.progress import say
from mmst.reporting.results import mean_accuracy, print_results, run_results, write_outcomes, write_results
from mmst.reporting.tracking import track_results
from mmst.rounds import final_results, run_rounds


@hydra.main(version_base="1.3", config_path="configs", config_name="train")
def main(config: DictConfig) -> float | None:
    """Run the arms and print what became of them; with plan=true, print what a round would take.

    Returns what a sweeper that searches maximizes: the main arm's accuracy, on the mean of the methods.
    """
    if config.get("plan"):
        print_forecast(config, Path(HydraConfig.get().runtime.output_dir))
        return None
    if config.prompts:
        preview(config)
        return None
    with opened_job(config) as job:
        plan, measured_on = rounds_plan(job), test_sets(config)
        results = run_rounds(job.pipeline, plan, job.recipes, job.base, train_set(config), measured_on)
        pairs = list(combinations(final_results(results), 2))
        found = run_results(results, pairs, measured_on, job.pipeline.ledger, plain(config))
        path = write_results(found, job.folder)
        write_outcomes(results, job.folder)
        print_results(found, f"{config.model.name} on {config.dataset.name}")
        if job.tracker:
            track_results(job.tracker, found, job.folder)
        say(f"results: {path}")
        return mean_accuracy(found, results[-1].arm)


if __name__ == "__main__":
    launch(main)
