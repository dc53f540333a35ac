"""Several trainings by one train.py: a run for each value of --data or --mix."""
from faceparse.models.checkpoints import read_checkpoint

SMALL = ("--limit", 8, "--size", 32, "--batch", 4)


def test_a_failed_run_does_not_stop_the_others_and_is_listed_at_the_end(run, tmp_path):
    grid = ("--data", "helen", "toy", *SMALL, "--epochs", 1)
    status, _, errors = run("train.py", *grid)
    assert status == 1 and "1 of 2 runs failed" in errors and "helen" in errors.splitlines()[-1]
    assert "Traceback" not in errors
    assert len(list(tmp_path.glob("runs/toy-*/best.pt"))) == 1
    status, printed, _ = run("train.py", *grid)
    assert status == 1 and "finished already" in printed


def test_an_unfinished_run_of_several_is_resumed(run, tmp_path):
    grid = ("--data", "toy", "toywild", *SMALL, "--epochs", 2)
    assert run("train.py", *grid)[0] == 0
    folder = next(tmp_path.glob("runs/toy-*"))
    log = (folder / "log.jsonl").read_text()
    (folder / "log.jsonl").write_text(log.splitlines()[0] + "\n")  # as if killed before the end
    assert run("train.py", *grid)[0] == 0 and (folder / "log.jsonl").read_text() == log


def test_several_limits_and_augmentations_train_a_run_each(run, tmp_path):
    status, _, errors = run("train.py", "--arch", "pipnet", "--recipe", "mountain2022", "--encoder-weights", "none",
                            "--limit", 4, 8, "--augment", "none", "all", "--size", 32, "--batch", 4, "--epochs", 1)
    assert status == 0, errors
    saved = [read_checkpoint(path) for path in tmp_path.glob("runs/*/best.pt")]
    assert {(one["split"]["train"], one["augment"]) for one in saved} == {
        (faces, augment) for faces in (4, 8) for augment in ("none", "all")}
    assert {one["by"] for one in saved} == {"inter-pupil"}


def test_several_ratios_of_mix_train_a_run_each(run, tmp_path):
    status, _, errors = run("train.py", "--data", "toymixed", "--mix", "8:2", "5:5", *SMALL, "--epochs", 1)
    assert status == 0, errors
    checkpoints = list(tmp_path.glob("runs/*/best.pt"))
    assert {path.parent.name for path in checkpoints} == {
        f"toymixed{mix}-mobilenetv2-limit8-epochs1-batch4-size32" for mix in ("", "-8:2")}
    assert {read_checkpoint(path)["mix"] for path in checkpoints} == {"8:2", "5:5"}
