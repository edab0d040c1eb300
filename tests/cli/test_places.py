from mmst.cli.places import CONFIGS, SWEEPS, folder_of, groups


def test_configurations_are_found_with_those_of_a_folder_of_ones_own(tmp_path):
    for path in ("dataset/mine.yaml", "flavour/sweet.yaml", "hydra/launcher.yaml", "top.yaml"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text("")
    plain, more = groups(), groups(tmp_path)
    assert {"method", "model", "dataset", "solvers", "sweep"} <= set(plain)
    assert "hydra" not in more
    assert more["flavour"] == ["sweet"]
    assert set(more["dataset"]) - set(plain["dataset"]) == {"mine"}
    assert plain["dataset"] == sorted(plain["dataset"])


def test_both_folders_hold_what_they_are_named_for():
    assert (CONFIGS / "train.yaml").is_file()
    assert (SWEEPS / "main.yaml").is_file()
    assert folder_of("nowhere").name == "nowhere"
