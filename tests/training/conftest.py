"""Val splits of a few faces, and two finished runs to compare with and to read."""
import pytest
from small_runs import limit_val_faces, train_landmarker, train_parser

from faceparse.data import landmarks, parsing


@pytest.fixture(autouse=True)
def few_val_faces(monkeypatch):
    limit_val_faces(monkeypatch, parsing, 6)
    limit_val_faces(monkeypatch, landmarks, 4)


@pytest.fixture(scope="session")
def uninterrupted_run(tmp_path_factory):
    """The folder of the parser of small_runs, trained without an interruption. Read-only: copy it to change it."""
    with pytest.MonkeyPatch.context() as patch:
        limit_val_faces(patch, parsing, 6)
        return train_parser(tmp_path_factory.mktemp("parser"))


@pytest.fixture(scope="session")
def landmark_run(tmp_path_factory):
    """The folder of the landmark network of small_runs, trained without an interruption. Read-only."""
    with pytest.MonkeyPatch.context() as patch:
        limit_val_faces(patch, landmarks, 4)
        return train_landmarker(tmp_path_factory.mktemp("landmarker"))
