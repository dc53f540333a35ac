"""--nme-by and --points: what the errors of landmarks are divided by, and in which points they are compared."""
from types import SimpleNamespace

from faceparse.evaluation.landmark_scores import default_by
from faceparse.landmark_sets import landmark_set


def test_networks_of_mountain2022_are_measured_over_the_pupils():
    networks = [SimpleNamespace(about={"recipe": name}) for name in ("mountain2022", "mountain2022", "pipnet")]
    points = landmark_set("68")
    assert default_by(networks[:2], points) == "inter-pupil" and default_by(networks, points) == "inter-ocular"


def test_evaluate_takes_the_length_and_the_points(run, tmp_path):
    status, _, err = run("train.py", "--arch", "pipnet", "--limit", 4, "--size", 64, "--epochs", 1, "--batch", 2,
                         "--device", "cpu", "--name", "points")
    assert status == 0, err
    tables = [run("evaluate.py", "--model", "runs/points", "--limit", 3, *options)[1].splitlines()[0]
              for options in ([], ["--nme-by", "inter-pupil"], ["--points", "68"])]
    assert [table.split()[0] for table in tables] == ["inter-ocular", "inter-pupil", "inter-ocular"]
    assert "106 points" in tables[0] and "68 points" in tables[2]
