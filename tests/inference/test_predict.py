"""Pictures and videos that nobody annotated: what is written of them, and what is refused."""
import json
import os
import shutil
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from faceparse import drawing, metrics
from faceparse.data import landmarks, parsing
from faceparse.data.images import open_image
from faceparse.errors import FaceparseError
from faceparse.inference import checkpoint, predict
from faceparse.inference.face_parser import ParsedFace
from faceparse.inference.finder import LOOKS, Finder
from faceparse.inference.video import VideoReader, VideoWriter
from faceparse.labels import LABEL_SETS
from faceparse.training.landmark_training import LandmarkTraining
from faceparse.training.options import RunOptions
from faceparse.training.parser_training import ParserTraining
from faceparse.training.run import train

needs_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="no ffmpeg on the PATH")


@pytest.fixture(scope="module")
def parser_run(tmp_path_factory):
    """A small toy parser, trained on faces aligned by their landmarks; its folder."""
    return train(ParserTraining("mobilenetv2", "toy", {"limit": 16, "size": 64, "epochs": 1, "batch": 8, "align": "landmarks"},
                      "."), RunOptions(runs=tmp_path_factory.mktemp("runs"), device="cpu", amp="off"))


@pytest.fixture(scope="module")
def landmark_run(tmp_path_factory):
    """A small toy landmark network, trained on crops; its folder."""
    return train(LandmarkTraining("pipnet", "toy", {"limit": 8, "size": 64, "epochs": 1, "batch": 4, "align": "crop",
                                                  "encoder_weights": "none"},
                                "."), RunOptions(runs=tmp_path_factory.mktemp("runs"), device="cpu", amp="off"))


@pytest.fixture
def photos(tmp_path):
    """Two toy faces of 96 x 96 as files, in a folder."""
    (tmp_path / "photos").mkdir()
    for record in parsing.load("toy", "test", ".", limit=2, toy_size=96).records:
        open_image(record.image).save(tmp_path / "photos" / f"{record.name.split('/')[-1]}.png")
    return tmp_path / "photos"


def names(folder):
    return sorted(os.listdir(folder))


def test_landmarks_alone(run, landmark_run, photos, tmp_path):
    status, out, err = run("evaluate.py", "--model", landmark_run, "--images", photos)
    first, second = (name[:-4] for name in names(photos))
    assert status == 0 and "2 files" in out, err
    assert names("parsed") == [f"{first}.json", f"{first}_overlay.png", f"{second}.json", f"{second}_overlay.png"]
    said = json.loads((tmp_path / f"parsed/{first}.json").read_text())
    face, = said["faces"]
    assert said["landmarks"] == "106" and said["width"] == 96 and np.shape(face["points"]) == (106, 2)
    assert np.shape(face["confidence"]) == (106,) and face["box"] is None and "parts" not in face


def test_landmarks_align_the_parser_as_given_ones_would(run, parser_run, landmark_run, photos, tmp_path):
    status, out, err = run("evaluate.py", "--model", parser_run, landmark_run, "--images", photos, "--out", "out")
    assert status == 0 and "aligned by landmarks" not in out, err
    name = names(photos)[0][:-4]
    face, = json.loads((tmp_path / f"out/{name}.json").read_text())["faces"]
    parser, finder = checkpoint.load(parser_run, "cpu"), Finder([checkpoint.load_any(landmark_run, "cpu")])
    expected = parser.parse(photos / f"{name}.png", finder.find(photos / f"{name}.png").points, "106")
    assert (np.asarray(Image.open(f"out/{name}_mask.png")) == expected.mask).all()
    assert np.allclose(face["homography"], expected.homography) and face["parts"]


def test_several_faces_by_their_boxes(run, parser_run, photos, tmp_path):
    first, second = names(photos)
    (tmp_path / "boxes.csv").write_text(f"picture,x0,y0,x1,y1\n{first},10,10,45,50\nphotos/{first},50,20,90,80.5\n")
    status, out, err = run("evaluate.py", "--model", parser_run, "--images", photos, "--boxes", "boxes.csv")
    assert status == 0, err
    assert sum(name.startswith(f"{first[:-4]}_mask") for name in names("parsed")) == 3  # merged, and each
    faces = json.loads((tmp_path / f"parsed/{first[:-4]}.json").read_text())["faces"]
    assert [face["box"] for face in faces] == [[10, 10, 45, 50], [50, 20, 90, 80.5]]
    assert len(json.loads((tmp_path / f"parsed/{second[:-4]}.json").read_text())["faces"]) == 1


@pytest.mark.parametrize("line, said", [("nobody.png,1,2,30,40", "no picture of --images is called nobody.png"),
                                        ("{0},1,2,30", "line 2 is not picture,x0,y0,x1,y1"),
                                        ("{0},1,two,30,40", "line 2 is not picture"),
                                        ("{0},30,2,1,40", "is empty"), ("{0},nan,2,10,40", "is empty"),
                                        ("{0},100,2,150,40", "is not in"), ("{0},0,0,1e9,1e9", "is not in")])
def test_boxes_that_cannot_be_are_one_line(run, parser_run, photos, tmp_path, line, said):
    first = names(photos)[0]
    (tmp_path / "boxes.csv").write_text(f"{first},1,1,50,50\n{line.format(first)}\n")
    status, _, err = run("evaluate.py", "--model", parser_run, "--images", photos, "--boxes", "boxes.csv")
    assert status == 2 and err.count("\n") == 1 and "boxes.csv" in err and said in err
    assert not (tmp_path / "parsed").exists()


@pytest.mark.parametrize("text", ["", "picture,x0,y0,x1,y1\n", "{0},1O,2,40,50\n", "{0};1;2;40;50\n"])
def test_a_file_of_boxes_that_says_nothing_or_begins_with_a_slip_is_refused(run, parser_run, photos, tmp_path, text):
    (tmp_path / "boxes.csv").write_text(text.format(names(photos)[0]))
    status, _, err = run("evaluate.py", "--model", parser_run, "--images", photos, "--boxes", "boxes.csv")
    assert status == 2 and err.count("\n") == 1 and "boxes.csv" in err and "picture,x0,y0,x1,y1" in err


def test_boxes_that_are_not_there_or_mean_several(run, parser_run, photos, tmp_path):
    status, _, err = run("evaluate.py", "--model", parser_run, "--images", photos, "--boxes", "none.csv")
    assert status == 2 and err.count("\n") == 1 and "none.csv" in err
    status, _, err = run("evaluate.py", "--model", parser_run, "--set", "toy", "--boxes", "none.csv")
    assert status == 2 and "--images" in err
    (photos / "more").mkdir()
    first = names(photos)[0]
    shutil.copy(photos / first, photos / "more" / first)
    (tmp_path / "boxes.csv").write_text(f"{first},1,1,50,50\n")
    status, _, err = run("evaluate.py", "--model", parser_run, "--images", photos, "--boxes", "boxes.csv")
    assert status == 2 and "more than one picture" in err
    (tmp_path / "boxes.csv").write_text(f"more/{first},1,1,50,50\n")
    assert run("evaluate.py", "--model", parser_run, "--images", photos, "--boxes", "boxes.csv")[0] == 0


def test_faces_are_merged_by_the_surer_one_that_sees_a_part():
    def parsed(mask, confidence):
        return ParsedFace(None, np.array([mask], np.uint8), np.array([confidence], np.float32), LABEL_SETS["lapa"], None)
    mask, sure = predict.merge([parsed([0, 1, 1, 2, 0], [0.9, 0.6, 0.9, 0.5, 0.1]),
                                 parsed([0, 0, 3, 3, 4], [0.9, 0.9, 0.8, 0.7, 0.4])])
    assert mask.tolist() == [[0, 1, 1, 3, 4]] and np.allclose(sure, [[0.9, 0.6, 0.9, 0.7, 0.4]])


def test_predicted_alignment_is_scored_beside_the_given_one(run, parser_run, landmark_run, tmp_path):
    status, out, err = run("evaluate.py", "--model", parser_run, landmark_run, "--align", "predicted", "--limit", 4,
                           "--out", "report")
    assert status == 0 and "lost" in out, err
    entry, = json.loads((tmp_path / "report/report.json").read_text())["models"]
    assert entry["landmarks"] == "predicted" and entry["align"] == "landmarks"
    status, _, _ = run("evaluate.py", "--model", parser_run, "--limit", 4, "--out", "given")
    given, = json.loads((tmp_path / "given/report.json").read_text())["models"]
    assert np.isclose(entry["mean_f1_by_given_landmarks"], given["mean_f1"])


def test_landmark_networks_are_scored_without_being_told_where_the_face_is(run, landmark_run, tmp_path):
    status, out, err = run("evaluate.py", "--model", landmark_run, "--align", "predicted", "--limit", 3, "--out", "report")
    assert status == 0 and "predicted" in out, err
    entry, = json.loads((tmp_path / "report/report.json").read_text())["models"]
    faces = landmarks.load("toy", "test", ".", limit=3)
    finder = Finder([checkpoint.load_any(landmark_run, "cpu")])
    found = np.stack([finder.find(open_image(record.image)).points for record in faces.records])
    errors = metrics.point_errors(found, np.stack([record.landmarks() for record in faces.records]), faces.points)
    assert entry["align"] == "predicted" and np.isclose(entry["nme"], metrics.nme(errors).mean(), rtol=1e-4)


def test_what_predicted_alignment_needs(run, parser_run, landmark_run, tmp_path):
    status, _, err = run("evaluate.py", "--model", parser_run, "--align", "predicted")
    assert status == 2 and err.count("\n") == 1 and "--arch pipnet" in err
    unaligned = train(ParserTraining("mobilenetv2", "toy", {"limit": 8, "size": 64, "epochs": 1, "batch": 4}, "."), RunOptions(runs=tmp_path,
                           device="cpu", amp="off"))
    status, _, err = run("evaluate.py", "--model", unaligned, landmark_run, "--align", "predicted", "--limit", 2)
    assert status == 2 and "not aligned by landmarks" in err


@pytest.fixture
def clip(tmp_path):
    frames = [np.array(open_image(record.image)) for record in
              parsing.load("toy", "test", ".", limit=6, toy_size=96).records]
    with VideoWriter(tmp_path / "clip.mp4", (96, 96), 25) as writer:
        for frame in frames:
            writer.write(frame)
    return tmp_path / "clip.mp4"


@needs_ffmpeg
def test_every_frame_of_a_video_is_seen_drawn_and_written(run, parser_run, landmark_run, clip, tmp_path):
    status, out, err = run("evaluate.py", "--model", parser_run, landmark_run, "--images", clip, "--out", "out")
    assert status == 0 and "6 frames" in out and "a second" in out and "landmarks" in out and "parse" in out, err
    assert len(list(VideoReader(tmp_path / "out/clip_overlay.mp4"))) == 6
    lines = [json.loads(line) for line in (tmp_path / "out/clip.jsonl").read_text().splitlines()]
    about, *lines = lines
    assert about == {"video": str(clip), "width": 96, "height": 96, "fps": 25, "landmarks": "106"}
    assert [line["frame"] for line in lines] == list(range(6)) and np.shape(lines[0]["points"]) == (106, 2)


@needs_ffmpeg
def test_a_video_is_parsed_without_landmarks(run, parser_run, clip, tmp_path):
    status, out, err = run("evaluate.py", "--model", parser_run, "--images", clip, "--out", "out")
    assert status == 0 and names("out") == ["clip_overlay.mp4"], err
    drawn, plain = next(iter(VideoReader("out/clip_overlay.mp4"))), next(iter(VideoReader(clip)))
    face = checkpoint.load(parser_run, "cpu").parse(plain)
    expected = drawing.overlay(plain, face.mask, face.labels)
    away_from_overlay, away_from_frame = (np.abs(drawn.astype(int) - one).mean() for one in (expected, plain))
    assert away_from_overlay < 0.5 * away_from_frame  # encoded with loss


@needs_ffmpeg
def test_a_video_that_breaks_off_leaves_what_was_seen(run, landmark_run, clip, tmp_path):
    clip.write_bytes(clip.read_bytes()[:-len(clip.read_bytes()) // 3])
    status, out, err = run("evaluate.py", "--model", landmark_run, "--images", clip, "--out", "out")
    frames = list(VideoReader(tmp_path / "out/clip_overlay.mp4"))
    assert status == 0 and 0 < len(frames) and f"{len(frames)} frames" in out, err
    assert len((tmp_path / "out/clip.jsonl").read_text().splitlines()) == 1 + len(frames)


@needs_ffmpeg
def test_ctrl_c_leaves_a_readable_video_and_its_points(landmark_run, clip, tmp_path, monkeypatch, capsys):
    finder = Finder([checkpoint.load_any(landmark_run, "cpu")])
    find, count = finder.find, iter(range(100))

    def interrupted(image, **options):
        if next(count) == 3:
            raise KeyboardInterrupt
        return replace(find(image, **options), is_face=True)
    monkeypatch.setattr(finder, "find", interrupted)
    with pytest.raises(KeyboardInterrupt):
        predict.annotate_video(clip, tmp_path / "out" / "clip", finder=finder)
    assert len(list(VideoReader(tmp_path / "out/clip_overlay.mp4"))) == 3 and "3 frames" in capsys.readouterr().out
    lines = [json.loads(line) for line in (tmp_path / "out/clip.jsonl").read_text().splitlines()]
    assert [line.get("frame") for line in lines] in ([None, 0, 1, 2], [None, 0, 1, 2, 3])


@needs_ffmpeg
def test_where_no_face_is_seen_a_parser_of_aligned_faces_is_not_asked(parser_run, landmark_run, clip, tmp_path, monkeypatch):
    finder, parser = Finder([checkpoint.load_any(landmark_run, "cpu")]), checkpoint.load(parser_run, "cpu")
    monkeypatch.setattr("faceparse.finding.SURE", 2.0)  # never
    monkeypatch.setattr(parser, "parse", lambda *given, **options: pytest.fail("asked"))
    said, = predict.annotate_video(clip, tmp_path / "out" / "clip", parser, finder)
    assert "no face in 6 frames" in said
    drawn, plain = next(iter(VideoReader(tmp_path / "out/clip_overlay.mp4"))), next(iter(VideoReader(clip)))
    assert np.abs(drawn.astype(int) - plain).mean() < 8


def test_videos_and_cameras_that_are_not_there(run, landmark_run, tmp_path):
    for path in ("none.mp4", "/dev/video77"):
        status, _, err = run("evaluate.py", "--model", landmark_run, "--images", path)
        assert status == 2 and err.count("\n") == 1 and path in err
    (tmp_path / "text.mp4").write_text("no video")
    status, _, err = run("evaluate.py", "--model", landmark_run, "--images", "text.mp4")
    assert status == 2 and err.count("\n") == 1 and "text.mp4" in err and not (tmp_path / "parsed").exists()


def test_folders_without_pictures_and_names_that_collide(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(FaceparseError, match="holds no picture"):
        predict.find_files([tmp_path / "empty"], tmp_path / "out")
    for name in ("a.png", "a.jpg", "._a.png"):
        (tmp_path / name).touch()
    files = predict.find_files([tmp_path / "a.png", tmp_path / "a.jpg", tmp_path, tmp_path / "a.png"], tmp_path / "out")
    assert [(file.name, str(stem)) for file, stem in files] == [("a.png", "a"), ("a.jpg", "a.jpg")]


def test_results_are_neither_read_again_nor_written_among_the_pictures(run, parser_run, photos, tmp_path):
    for _ in range(2):
        status, out, _ = run("evaluate.py", "--model", parser_run, "--images", tmp_path)
        assert status == 0 and "2 files" in out
    for out in (photos, "photos"):
        status, _, err = run("evaluate.py", "--model", parser_run, "--images", photos, "--out", out)
        assert status == 2 and err.count("\n") == 1 and "name another folder" in err and len(names(photos)) == 2
    (tmp_path / "here.png").write_bytes((photos / names(photos)[0]).read_bytes())
    status, _, err = run("evaluate.py", "--model", parser_run, "--images", "here.png", "--out", ".")
    assert status == 2 and "name another folder" in err


def test_pictures_are_aligned_by_landmarks_or_boxes_alone(run, parser_run, photos):
    for align in ("predicted", "box"):
        status, _, err = run("evaluate.py", "--model", parser_run, "--images", photos, "--align", align)
        assert status == 2 and err.count("\n") == 1 and f"--align {align}" in err


@needs_ffmpeg
def test_boxes_are_for_pictures(run, landmark_run, clip, tmp_path):
    (tmp_path / "boxes.csv").write_text("clip.mp4,1,1,50,50\n")
    status, _, err = run("evaluate.py", "--model", landmark_run, "--images", clip, "--boxes", "boxes.csv")
    assert status == 2 and err.count("\n") == 1 and "is a video" in err


def test_a_box_starts_the_landmarks_too(run, landmark_run, photos, tmp_path):
    first = names(photos)[0]
    (tmp_path / "boxes.csv").write_text(f"{first},30,30,70,80\n")
    assert run("evaluate.py", "--model", landmark_run, "--images", photos / first, "--boxes", "boxes.csv")[0] == 0
    face, = json.loads((tmp_path / f"parsed/{first[:-4]}.json").read_text())["faces"]
    finder = Finder([checkpoint.load_any(landmark_run, "cpu")])
    expected = finder.find(photos / first, box=(30, 30, 70, 80))
    assert face["box"] == [30, 30, 70, 80] and np.allclose(face["points"], expected.points, atol=0.01)
    assert finder.looked == 1 + LOOKS


def test_a_users_own_landmarks_from_training_to_their_scores(run, tmp_path, monkeypatch):
    """Five points of toy faces, in a landmarks.json of one's own."""
    home = tmp_path / "data" / "folder"
    (home / "images").mkdir(parents=True)
    (home / "landmarks.json").write_text(json.dumps({
        "name": "five", "count": 5, "left_eye": [0], "right_eye": [1], "pairs": [[0, 1], [3, 4]], "mouth": [3, 4],
        "eye_corners": [0, 1]}))
    for index, record in enumerate(parsing.load("toy", "train", ".", limit=30, toy_size=96).records):
        open_image(record.image).save(home / "images" / f"{index:02d}.png")
        np.savetxt(home / "images" / f"{index:02d}.txt", record.landmarks()[[104, 105, 54, 84, 90]])
    status, out, err = run("train.py", "--arch", "pipnet", "--data", "folder", "--root", "data", "--encoder-weights", "none",
                           "--size", 64, "--epochs", 1, "--batch", 8)
    assert status == 0, err
    model, = (tmp_path / "runs").iterdir()
    for more in ((), ("--align", "predicted")):
        status, out, err = run("evaluate.py", "--root", "data", *more)  # the newest run, on its own data
        assert status == 0 and "five points" in out, err
    status, out, err = run("evaluate.py", "--root", "data", "--images", home / "images", "--out", "found")
    assert status == 0 and json.loads((tmp_path / "found/00.json").read_text())["landmarks"] == "five", err
    status, out, err = run("evaluate.py", "--set", "toy", "--model", model)
    assert status == 2 and err.count("\n") == 1 and "five" in err
