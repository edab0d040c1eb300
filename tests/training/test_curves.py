import csv

from mmst.training.curves import WholeCSVLogger


def written(folder, steps, loss):
    logger = WholeCSVLogger(folder, name="multi", version="")
    for step in steps:
        logger.log_metrics({"loss": loss}, step)
    logger.save()
    return [(row["step"], row["loss"]) for row in csv.DictReader((folder / "multi" / "metrics.csv").open())]


def test_a_resumed_training_goes_on_in_the_same_curve(tmp_path):
    assert written(tmp_path, range(4), 0.5) == [(str(step), "0.5") for step in range(4)]
    again = written(tmp_path, range(2, 6), 0.25)  # from its last checkpoint: steps 2 and 3 are made again
    assert again == [("0", "0.5"), ("1", "0.5"), ("2", "0.25"), ("3", "0.25"), ("4", "0.25"), ("5", "0.25")]


def test_a_line_that_was_cut_off_is_left_out(tmp_path):
    written(tmp_path, range(2), 0.5)
    with (tmp_path / "multi" / "metrics.csv").open("a") as file:
        file.write("0.5")
    assert written(tmp_path, [2], 0.25) == [("0", "0.5"), ("1", "0.5"), ("2", "0.25")]
