"""Videos without annotations: what is written, and what stays when one breaks off."""
import json
import os
import shutil
import subprocess
from dataclasses import replace

import numpy as np
import pytest

from faceparse import drawing
from faceparse.inference import checkpoint
from faceparse.inference.finder import FaceFinder
from faceparse.inference.video import VideoReader
from faceparse.inference.videos import predict_video

needs_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="no ffmpeg on the PATH")


def names(folder):
    return sorted(os.listdir(folder))


@needs_ffmpeg
def test_every_frame_of_a_video_is_predicted_drawn_and_written(run, parser_run, landmark_run, clip, tmp_path):
    status, out, err = run("evaluate.py", "--model", parser_run, landmark_run, "--images", clip, "--out", "out")
    assert status == 0 and "6 frames" in out and "a second" in out and "landmarks" in out and "parse" in out, err
    assert len(list(VideoReader(tmp_path / "out/clip_overlay.mp4"))) == 6
    lines = [json.loads(line) for line in (tmp_path / "out/clip.jsonl").read_text().splitlines()]
    about, *lines = lines
    assert about == {"video": str(clip), "width": 96, "height": 96, "fps": 25, "landmarks": "106"}
    assert [line["time"] for line in lines] == [0, 0.04, 0.08, 0.12, 0.16, 0.2]
    assert [line["frame"] for line in lines] == list(range(6)) and np.shape(lines[0]["points"]) == (106, 2)


@needs_ffmpeg
def test_frames_of_an_uneven_video_keep_their_times(run, landmark_run, clip, tmp_path):
    uneven = tmp_path / "uneven.mkv"
    subprocess.run(["ffmpeg", "-loglevel", "error", "-i", clip, "-vf", "setpts=N*N/25/TB", "-c:v", "mpeg4", uneven],
                   check=True)
    status, out, err = run("evaluate.py", "--model", landmark_run, "--images", uneven, "--out", "out")
    assert status == 0 and "not evenly spaced" in out and "at 25 a second" in out, err
    about, *lines = map(json.loads, (tmp_path / "out/uneven.jsonl").read_text().splitlines())
    assert [line["time"] for line in lines] == [0, 0.04, 0.16, 0.36, 0.64, 1]
    drawn = VideoReader(tmp_path / "out/uneven_overlay.mp4")
    assert drawn.fps == 25 and len(list(drawn)) == 26 and about["fps"] == 5


@needs_ffmpeg
def test_a_video_is_parsed_without_landmarks(run, parser_run, clip, tmp_path):
    status, out, err = run("evaluate.py", "--model", parser_run, "--images", clip, "--out", "out")
    assert status == 0 and names("out") == ["clip_overlay.mp4"], err
    drawn, plain = next(iter(VideoReader("out/clip_overlay.mp4"))), next(iter(VideoReader(clip)))
    face = checkpoint.load(parser_run, "cpu").parse(plain)
    expected = drawing.overlay(plain, face.mask, face.labels)
    to_overlay, to_frame = (np.abs(drawn.astype(int) - one).mean() for one in (expected, plain))
    assert to_overlay < 0.5 * to_frame  # encoded with loss


@needs_ffmpeg
def test_a_video_that_breaks_off_leaves_the_frames_before(run, landmark_run, clip, tmp_path):
    clip.write_bytes(clip.read_bytes()[:-len(clip.read_bytes()) // 3])
    status, out, err = run("evaluate.py", "--model", landmark_run, "--images", clip, "--out", "out")
    frames = list(VideoReader(tmp_path / "out/clip_overlay.mp4"))
    assert status == 0 and 0 < len(frames) and f"{len(frames)} frames" in out, err
    assert len((tmp_path / "out/clip.jsonl").read_text().splitlines()) == 1 + len(frames)


@needs_ffmpeg
def test_ctrl_c_leaves_a_readable_video_and_its_points(landmark_run, clip, tmp_path, monkeypatch, capsys):
    finder = FaceFinder([checkpoint.load_any(landmark_run, "cpu")])
    find, count = finder.find, iter(range(100))

    def interrupted(image, **options):
        if next(count) == 3:
            raise KeyboardInterrupt
        return replace(find(image, **options), is_face=True)
    monkeypatch.setattr(finder, "find", interrupted)
    with pytest.raises(KeyboardInterrupt):
        predict_video(clip, tmp_path / "out" / "clip", finder=finder)
    assert len(list(VideoReader(tmp_path / "out/clip_overlay.mp4"))) == 3 and "3 frames" in capsys.readouterr().out
    lines = [json.loads(line) for line in (tmp_path / "out/clip.jsonl").read_text().splitlines()]
    assert [line.get("frame") for line in lines] in ([None, 0, 1, 2], [None, 0, 1, 2, 3])


@needs_ffmpeg
def test_a_parser_of_aligned_faces_does_not_run_where_there_is_no_face(parser_run, landmark_run, clip, tmp_path,
                                                                       monkeypatch):
    finder, parser = FaceFinder([checkpoint.load_any(landmark_run, "cpu")]), checkpoint.load(parser_run, "cpu")
    monkeypatch.setattr("faceparse.inference.finder.FACE_CONFIDENCE", 2.0)  # never
    monkeypatch.setattr(parser, "probabilities", lambda *arguments, **options: pytest.fail("it ran"))
    note, = predict_video(clip, tmp_path / "out" / "clip", parser, finder)
    assert "no face in 6 frames" in note
    drawn, plain = next(iter(VideoReader(tmp_path / "out/clip_overlay.mp4"))), next(iter(VideoReader(clip)))
    assert np.abs(drawn.astype(int) - plain).mean() < 8


def test_missing_videos_and_cameras_are_one_line(run, landmark_run, tmp_path):
    for path in ("none.mp4", "/dev/video77"):
        status, _, err = run("evaluate.py", "--model", landmark_run, "--images", path)
        assert status == 2 and err.count("\n") == 1 and path in err
    (tmp_path / "text.mp4").write_text("no video")
    status, _, err = run("evaluate.py", "--model", landmark_run, "--images", "text.mp4")
    assert status == 2 and err.count("\n") == 1 and "text.mp4" in err and not (tmp_path / "parsed").exists()
