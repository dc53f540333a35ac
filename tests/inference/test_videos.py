"""Videos without annotations: what is written, and what stays when one breaks off."""
import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from functools import partial
from itertools import count

import numpy as np
import pytest

from faceparse import drawing
from faceparse.inference import checkpoint, video
from faceparse.inference.finder import FaceFinder
from faceparse.inference.video import VideoReader
from faceparse.inference.videos import predict_video
from faceparse.papers.mountain2022_figures import figure_14
from faceparse.progress import Progress

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


@pytest.fixture
def camera(tmp_path, monkeypatch):
    """camera(film) -> its path: a stand-in for a camera, ffmpeg opening the film of its filter graph `film` in place of
    the device."""
    def make(film):
        program, device = tmp_path / "bin" / "ffmpeg", tmp_path / "dev" / "video0"
        for file in (program, device):
            file.parent.mkdir()
            file.touch()
        program.write_text(f"""#!{sys.executable}
import os, sys
arguments = sys.argv[1:]
if "v4l2" in arguments:
    start = arguments.index("v4l2") - 1  # -f v4l2 -i DEVICE
    arguments[start:start + 4] = ["-re", "-f", "lavfi", "-i", {film!r}]
os.execv({shutil.which("ffmpeg")!r}, ["ffmpeg", *arguments])
""")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
        monkeypatch.setattr(video, "_is_camera", lambda path: str(path) == str(device))
        return device
    return make


@needs_ffmpeg
def test_a_camera_shows_its_frame_rate_and_frames_that_it_dropped_are_repeated(run, landmark_run, camera, tmp_path,
                                                                               monkeypatch):
    device = camera("testsrc2=size=64x48:rate=25:duration=1,select=not(mod(n\\,5))")  # every fifth frame arrives
    monkeypatch.setattr("faceparse.inference.videos.Progress", partial(Progress, clock=count(0, 20).__next__))
    status, out, err = run("evaluate.py", "--images", device, "--model", landmark_run)
    assert status == 0 and "video0  5 frames  20.0 s each" in err, err
    assert "parsed/video0_overlay.mp4: 5 frames, " in out and " a second; a frame takes" in out
    assert "repeats them at 25 a second" in out
    about, *lines = map(json.loads, (tmp_path / "parsed/video0.jsonl").read_text().splitlines())
    assert [line["time"] for line in lines] == [0, 0.2, 0.4, 0.6, 0.8] and about["fps"] == 25
    drawn = VideoReader(tmp_path / "parsed/video0_overlay.mp4")
    assert drawn.fps == 25 and len(list(drawn)) == 21
    assert figure_14(tmp_path / "parsed/video0_overlay.mp4").width >= 3 * 320


@needs_ffmpeg
def test_ctrl_c_is_the_end_of_a_camera(landmark_run, camera, tmp_path, monkeypatch):
    device = camera("testsrc2=size=64x48:rate=25")  # endless
    finder = FaceFinder([checkpoint.load_any(landmark_run, "cpu")])
    find, numbers = finder.find, count()

    def interrupted(image, **options):
        if next(numbers) == 3:
            raise KeyboardInterrupt
        return replace(find(image, **options), is_face=True)
    monkeypatch.setattr(finder, "find", interrupted)
    note, *_ = predict_video(device, tmp_path / "out" / "video0", finder=finder)
    assert "out/video0_overlay.mp4: " in note and " frames, " in note
    assert len((tmp_path / "out/video0.jsonl").read_text().splitlines()) >= 1 + 2
    assert len(list(VideoReader(tmp_path / "out/video0_overlay.mp4"))) >= 2


def test_missing_videos_and_cameras_are_one_line(run, landmark_run, tmp_path):
    for path in ("none.mp4", "/dev/video77"):
        status, _, err = run("evaluate.py", "--model", landmark_run, "--images", path)
        assert status == 2 and err.count("\n") == 1 and path in err
    (tmp_path / "text.mp4").write_text("no video")
    status, _, err = run("evaluate.py", "--model", landmark_run, "--images", "text.mp4")
    assert status == 2 and err.count("\n") == 1 and "text.mp4" in err and not (tmp_path / "parsed").exists()
