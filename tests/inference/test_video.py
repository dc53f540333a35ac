"""Frames come out as they went in, each once; whatever breaks is one line, leaves no process and a file that plays."""
import os
import shutil
import signal
import socket
import subprocess
import threading
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from faceparse.errors import CannotWrite, FaceparseError
from faceparse.inference import video
from faceparse.inference.video import VideoReader, is_video
from faceparse.inference.video_writer import MOST_PAUSE, SteadyFrames, VideoWriter

needs_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not on the PATH")
COLOURS = np.array([(200, 40, 40), (40, 200, 40), (40, 40, 200), (255, 255, 255), (0, 0, 0), (255, 0, 0), (0, 255, 0),
                    (0, 0, 255), (230, 180, 150), (90, 60, 40)], np.uint8)
RED, BLUE = COLOURS[5], COLOURS[7]


def plain_frames(count, size=(64, 48)):
    """(N, H, W, 3) uint8, each of one colour, no two neighbours alike."""
    width, height = size
    return np.broadcast_to(COLOURS[np.arange(count) % len(COLOURS)][:, None, None], (count, height, width, 3))


def encode(path, frames, *options, fps=25):
    """Makes a film without the writer under test; without other options, FFV1 in RGB: not a bit is lost."""
    height, width = frames.shape[1:3]
    options = options or ("-c:v", "ffv1", "-pix_fmt", "bgr0")
    subprocess.run(["ffmpeg", "-loglevel", "error", "-f", "rawvideo", "-pixel_format", "rgb24", "-video_size",
                    f"{width}x{height}", "-framerate", str(fps), "-i", "-", *options, "-y", f"file:{path}"],
                   input=frames.tobytes(), check=True)
    return path


def write(path, frames, fps=25):
    with VideoWriter(path, frames.shape[2:0:-1], fps) as writer:
        for frame in frames:
            writer.write(frame)
    return path


@pytest.fixture
def started(monkeypatch):
    """The processes that are started during a test."""
    processes = []

    class Popen(subprocess.Popen):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            processes.append(self)
    monkeypatch.setattr(subprocess, "Popen", Popen)
    return processes


# ---- in

@needs_ffmpeg
def test_every_frame_comes_out_once_and_exactly(tmp_path):
    frames = np.random.default_rng(0).integers(0, 256, (30, 46, 62, 3), np.uint8)
    reader = VideoReader(encode(tmp_path / "clip.mkv", frames))
    assert np.array_equal(list(reader), frames)
    assert np.array_equal(list(reader), frames)  # from the start again
    assert (reader.size, reader.fps, reader.length, reader.note) == ((62, 46), 25, 30, "")


@needs_ffmpeg
def test_odd_sizes_are_read_as_they_are(tmp_path):
    frames = np.random.default_rng(0).integers(0, 256, (3, 5, 7, 3), np.uint8)
    assert np.array_equal(list(VideoReader(encode(tmp_path / "clip.mkv", frames))), frames)


@needs_ffmpeg
def test_frames_may_be_kept(tmp_path):
    first, second, *_ = VideoReader(encode(tmp_path / "clip.mkv", plain_frames(3)))
    assert not np.shares_memory(first, second)


@needs_ffmpeg
def test_turned_film_is_delivered_upright(tmp_path):
    frames = np.full((4, 48, 64, 3), RED)
    frames[:, :, 32:] = BLUE
    path = encode(tmp_path / "clip.mp4", frames, "-c:v", "mpeg4", "-q:v", "2")
    data = path.read_bytes()
    track = data.index(b"tkhd")  # the track header's matrix (ISO 14496-12, 8.3.2): x' = -y, y' = x, a quarter clockwise
    matrix = [np.array(m, ">i4").tobytes() for m in ([1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30],
                                                     [0, 1 << 16, 0, -1 << 16, 0, 0, 48 << 16, 0, 1 << 30])]
    path.write_bytes(data[:track] + data[track:].replace(*matrix, 1))
    reader = VideoReader(path)
    frame = next(iter(reader)).astype(int)
    assert reader.size == (48, 64) and frame.shape == (64, 48, 3)
    assert abs(frame[:28] - RED).max() < 20 and abs(frame[36:] - BLUE).max() < 20  # what was left is above


@needs_ffmpeg
def test_pixels_that_are_not_square_are_made_so(tmp_path):
    path = encode(tmp_path / "clip.mp4", plain_frames(2), "-vf", "setsar=2", "-c:v", "mpeg4")
    reader = VideoReader(path)
    assert reader.size == (128, 48) and len(list(reader)) == 2


@needs_ffmpeg
def test_unevenly_spaced_frames_come_once_each_at_their_mean_rate(tmp_path):
    frames = plain_frames(10)
    path = encode(tmp_path / "clip.mkv", frames, "-vf", "setpts=N*N/25/TB", "-c:v", "png")
    copy = path.with_suffix(".mp4")  # Matroska notes the encoder's rate, 25; an MP4 file has times alone
    subprocess.run(["ffmpeg", "-loglevel", "error", "-i", path, "-c", "copy", copy], check=True)
    reader = VideoReader(copy)
    assert np.array_equal(list(reader), frames)
    assert 2 < reader.fps < 4  # the tenth frame is shown after 81 / 25 seconds


def uneven(path, frames):
    """Encodes a frame every 0.04 s, from the 16th on every 0.2 s; returns their times in seconds."""
    once = ["-fps_mode" if video.output_contains("ffmpeg", "-fps_mode", "-h", "long") else "-vsync", "passthrough"]
    codec = {".ts": "mpeg2video", ".mpg": "mpeg2video", ".flv": "flv"}.get(path.suffix, "mpeg4")
    encode(path, frames, "-vf", "setpts='(N+4*max(0,N-15))/25/TB'", *once, "-c:v", codec, "-g", "1")
    return [(k + 4 * max(0, k - 15)) / 25 for k in range(len(frames))]


@needs_ffmpeg
@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv", "avi", "ts", "flv"])
def test_unevenly_spaced_frames_have_their_times_and_mean_rate_in_every_container(tmp_path, suffix):
    path = tmp_path / f"clip.{suffix}"
    times = uneven(path, plain_frames(25))
    reader = VideoReader(path)
    measured = [time for _, time in reader.with_times()]
    assert np.allclose(measured, times, atol=0.0011) and len(measured) == 25  # FLV and Matroska round to 0.001 s
    assert reader.fps == Fraction(round(100 * 24 / times[-1]), 100) and reader.length == 25 and not reader.is_even


def test_the_steady_rate_has_a_place_for_each_frame():
    assert video.steady_rate([0, 0.04, 0.2, 0.4], 10) == 25
    assert video.steady_rate([0, 0.001, 1, 2], 2) == video.MOST_STEADY
    assert video.steady_rate([0, 5, 15], Fraction(1, 5)) == 1


class Written(list):
    fps = Fraction(30)
    write = list.append


def test_a_repeated_frame_is_shown_within_half_a_period_of_its_time():
    times = [0.5 + time for time in (0, 0.034, 0.1, 0.101, 0.42, 1.0)]
    written = Written()
    steady = SteadyFrames(written)
    for number, time in enumerate(times):
        steady.write(number, time)
    assert [written.index(number) for number in (0, 1, 2, 4, 5)] == [0, 1, 3, 13, 30] and len(written) == 31
    assert written[4:13] == [3] * 9  # the second frame of one period is shown after the first
    steady.write(6, 1.5 + 1e6)
    assert len(written) == 31 + MOST_PAUSE * 30


@needs_ffmpeg
@pytest.mark.parametrize("suffix", ["mp4", "mkv", "avi", "ts", "flv"])
def test_evenly_spaced_frames_keep_their_exact_rate_in_every_container(tmp_path, suffix):
    rate = Fraction(30000, 1001)
    codec = {"ts": "mpeg2video", "flv": "flv"}.get(suffix, "mpeg4")
    path = encode(tmp_path / f"clip.{suffix}", plain_frames(40), "-c:v", codec, fps=rate)
    reader = VideoReader(path)
    assert reader.is_even and abs(reader.fps - rate) < 0.005 and (reader.fps == rate or suffix == "flv")
    assert np.allclose([time for _, time in reader.with_times()], np.arange(40) / float(rate), atol=0.0011)


def test_frames_whose_times_ffmpeg_does_not_print_are_counted_at_the_rate(tmp_path, monkeypatch):
    if shutil.which("ffmpeg") is None:
        pytest.skip("ffmpeg is not on the PATH")
    path = encode(tmp_path / "clip.mkv", plain_frames(4))
    contains = video.output_contains
    monkeypatch.setattr("faceparse.inference.ffmpeg.output_contains",
                        lambda program, word, *options: word != "direct" and contains(program, word, *options))
    assert np.allclose([time for _, time in VideoReader(path).with_times()], [0, 0.04, 0.08, 0.12])


@pytest.mark.parametrize("times, rate, expected", [
    ([], 25, (25, True)), ([0], 25, (25, True)), ([0, 0, 0], 25, (25, True)),
    ([0, 0.033, 0.067, 0.1], 30, (30, True)), ([0, 0.1, 0.2, 0.3], 25, (10, True)),
    ([0, 1, 9], 25, (Fraction(2, 9), False)), ([0, 1e6], 25, (Fraction(1, 1000), True))])
def test_the_rate_is_the_files_unless_its_frames_last_longer(times, rate, expected):
    assert video.measured_rate([Fraction(time) for time in times], Fraction(rate)) == expected


@pytest.mark.parametrize("printed, nominal, expected", [("29.97", Fraction(30000, 1001), Fraction(30000, 1001)),
                                                        ("29.83", Fraction(30), Fraction(2983, 100)),
                                                        ("90k", Fraction(30), Fraction(90000)),
                                                        ("0.00", Fraction(30), Fraction(30))])
def test_mean_rate_is_that_of_the_decoded_stream(printed, nominal, expected):
    log = ("  Stream #0:0: Video: png, rgb24, 9x9, 12 fps, 12 tbr (attached pic)\n"
           f"  Stream #0:1[0x2](und): Video: h264 (High), yuv420p, 64x48 [SAR 1:1 DAR 4:3], {printed} fps, 30 tbr\n"
           "Stream mapping:\n  Stream #0:1 -> #0:0 (h264 (native) -> wrapped_avframe (native))\n")
    assert video._mean_rate(log, nominal) == expected


@needs_ffmpeg
def test_stream_that_changes_its_size_keeps_the_first(tmp_path):
    parts = [encode(tmp_path / f"{k}.ts", plain_frames(5, size), "-c:v", "mpeg2video", "-g", "1")
             for k, size in enumerate([(64, 48), (32, 80)])]
    path = tmp_path / "both.ts"
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    shapes = [frame.shape for frame in VideoReader(path)]
    assert len(shapes) > 5 and set(shapes) == {(48, 64, 3)}


@needs_ffmpeg
def test_sound_beside_the_frames_is_passed_over(tmp_path):
    path = encode(tmp_path / "clip.mkv", plain_frames(5), "-f", "lavfi", "-i", "sine=d=0.2", "-map", "1", "-map", "0",
                  "-c:v", "ffv1", "-pix_fmt", "bgr0")
    assert np.array_equal(list(VideoReader(path)), plain_frames(5))


@needs_ffmpeg
def test_truncated_film_gives_its_frames_then_ends_with_a_note(tmp_path):
    frames = np.random.default_rng(0).integers(0, 256, (20, 48, 64, 3), np.uint8)
    path = encode(tmp_path / "clip.mkv", frames)
    path.write_bytes(path.read_bytes()[:path.stat().st_size * 3 // 5])
    reader = VideoReader(path)
    read = list(reader)
    assert 10 <= len(read) <= 12 and np.array_equal(read[:10], frames[:10])
    assert reader.note.startswith(f"{path}: damaged or cut short after {len(read)} frames (ffmpeg: ")
    assert "\n" not in reader.note


@needs_ffmpeg
@pytest.mark.parametrize("data, words", [(b"", "cannot be read as a video"), (b"no film at all", "replace it"),
                                         (b"RIFF\x10\0\0\0AVI LIST", "cannot be read as a video")])
def test_file_that_is_no_video_is_one_line(tmp_path, data, words):
    path = tmp_path / "clip.mp4"
    path.write_bytes(data)
    with pytest.raises(FaceparseError, match=words) as caught:
        VideoReader(path)
    assert str(caught.value).startswith(f"{path}: ") and "\n" not in str(caught.value)


@needs_ffmpeg
def test_sound_alone_is_no_video(tmp_path):
    path = tmp_path / "clip.mp4"
    subprocess.run(["ffmpeg", "-loglevel", "error", "-f", "lavfi", "-i", "sine=d=0.2", path], check=True)
    with pytest.raises(FaceparseError, match="holds no video stream"):
        VideoReader(path)


@pytest.mark.parametrize("name, words", [("none.mp4", "no such file"), ("", "a folder, not a video")])
def test_missing_file_and_folder_are_named(tmp_path, name, words):
    with pytest.raises(FaceparseError, match=words):
        VideoReader(tmp_path / name)


@needs_ffmpeg
def test_playlist_in_disguise_opens_no_connection_and_no_other_file(tmp_path):
    encode(tmp_path / "real.mkv", plain_frames(2))
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        url = f"http://127.0.0.1:{server.getsockname()[1]}/part.ts"
        for text in (f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{url}\n#EXT-X-ENDLIST\n",
                     f"ffconcat version 1.0\nfile {url}\n", "ffconcat version 1.0\nfile real.mkv\n"):
            path = tmp_path / "clip.mp4"
            path.write_text(text)
            with pytest.raises(FaceparseError):
                list(VideoReader(path))
        with pytest.raises(BlockingIOError):
            server.accept()


@needs_ffmpeg
def test_killed_decoder_is_an_error_after_its_frames(tmp_path, started):
    reader = VideoReader(encode(tmp_path / "clip.mp4", plain_frames(40, (640, 480)), "-c:v", "mpeg4"))
    count = 0
    with pytest.raises(FaceparseError, match=r"ffmpeg was killed \(signal 9\) after \d+ frames"):
        for frame in reader:
            count += 1
            if count == 5:
                started[-1].send_signal(signal.SIGKILL)
    assert count >= 5


@needs_ffmpeg
def test_reader_left_early_leaves_nothing_behind(tmp_path, started):
    path = encode(tmp_path / "clip.mp4", plain_frames(40, (640, 480)), "-c:v", "mpeg4")
    list(VideoReader(path))  # asks once what this ffmpeg can do
    files, threads = len(os.listdir("/dev/fd")), threading.active_count()
    frames = iter(VideoReader(path))
    next(frames)
    assert started[-1].poll() is None  # it waits, 35 frames before its end, for a reader
    frames.close()
    assert all(process.returncode is not None for process in started)
    assert (len(os.listdir("/dev/fd")), threading.active_count()) == (files, threads)


# ---- out

@needs_ffmpeg
@pytest.mark.parametrize("codec", ["libx264", "mpeg4"])
def test_written_frames_come_back_in_number_rate_and_colour(tmp_path, monkeypatch, codec):
    if codec == "mpeg4":
        monkeypatch.setattr(video, "output_contains", lambda *question: False)
    path = write(tmp_path / "new" / "clip.mp4", plain_frames(40), Fraction(30000, 1001))
    monkeypatch.undo()
    reader = VideoReader(path)
    read = np.array(list(reader))
    assert (reader.size, reader.fps, reader.length, reader.note) == ((64, 48), Fraction(30000, 1001), 40, "")
    assert read.shape == (40, 48, 64, 3)
    assert abs(read.astype(int) - plain_frames(40)).max() <= (6 if codec == "libx264" else 16)


@needs_ffmpeg
@pytest.mark.parametrize("fps", [1, 25, Fraction(24000, 1001), 60])
def test_rate_is_kept(tmp_path, fps):
    assert VideoReader(write(tmp_path / "clip.mp4", plain_frames(8), fps)).fps == fps


@needs_ffmpeg
def test_odd_size_repeats_the_last_column_and_row(tmp_path):
    frames = np.full((3, 33, 49, 3), 40, np.uint8)
    frames[:, :, 40:], frames[:, 24:] = 120, 200
    frame = list(VideoReader(write(tmp_path / "clip.mp4", frames)))[-1].astype(int)
    assert frame.shape == (34, 50, 3)
    assert abs(frame - np.pad(frames[0], ((0, 1), (0, 1), (0, 0)), "edge")).max() < 16


@needs_ffmpeg
def test_frame_of_one_pixel_can_be_written(tmp_path):
    assert VideoReader(write(tmp_path / "clip.mp4", plain_frames(2, (1, 1)))).size == (2, 2)


@needs_ffmpeg
def test_frame_of_another_shape_is_refused(tmp_path):
    with VideoWriter(tmp_path / "clip.mp4", (64, 48), 25) as writer:
        with pytest.raises(ValueError, match=r"not \(48, 64, 3\) uint8"):
            writer.write(np.zeros((64, 48, 3), np.uint8))


@needs_ffmpeg
@pytest.mark.parametrize("stop", [KeyboardInterrupt, FaceparseError])
def test_stop_midway_leaves_all_frames_so_far(tmp_path, started, stop):
    path = tmp_path / "clip.mp4"
    with pytest.raises(stop), VideoWriter(path, (64, 48), 25) as writer:
        for frame in plain_frames(33):
            writer.write(frame)
        raise stop
    assert all(process.returncode is not None for process in started)
    assert len(list(VideoReader(path))) == 33


@needs_ffmpeg
def test_ctrl_c_does_not_reach_ffmpeg(tmp_path, started):
    with VideoWriter(tmp_path / "clip.mp4", (64, 48), 25) as writer:
        writer.write(plain_frames(1)[0])
        assert os.getpgid(started[-1].pid) != os.getpgid(0)  # a terminal interrupts one process group


@needs_ffmpeg
def test_killed_encoder_is_an_error_and_leaves_what_plays(tmp_path, started):
    path = tmp_path / "clip.mp4"
    with pytest.raises(FaceparseError, match=r"clip.mp4: ffmpeg was killed \(signal 9\) while writing"):
        with VideoWriter(path, (320, 240), 10) as writer:
            for k, frame in enumerate(plain_frames(120, (320, 240))):
                if k == 100:  # the pipe holds 4 frames, the encoder some 40, an unfinished second 10
                    started[-1].send_signal(signal.SIGKILL)
                writer.write(frame)
    assert 20 <= len(list(VideoReader(path))) <= 100


@needs_ffmpeg
def test_nothing_is_touched_before_the_first_frame(tmp_path):
    path = tmp_path / "clip.mp4"
    path.write_text("older")
    with VideoWriter(path, (64, 48), 25):
        pass
    assert path.read_text() == "older"


@needs_ffmpeg
def test_unwritable_path_is_one_line(tmp_path, started):
    (tmp_path / "file").touch()
    (tmp_path / "folder.mp4").mkdir()
    for name, words in (("file/clip.mp4", "cannot be written"), ("folder.mp4", "ffmpeg: .*[Ii]s a directory")):
        with pytest.raises(CannotWrite, match=words) as caught:
            write(tmp_path / name, plain_frames(200))
        assert str(caught.value).startswith(f"{tmp_path / name}: ") and "\n" not in str(caught.value)
    assert all(process.returncode is not None for process in started)


@needs_ffmpeg
@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here, a disk that is always full")
@pytest.mark.parametrize("count", [1, 200])
def test_full_disk_is_one_line(count):
    with pytest.raises(CannotWrite, match="/dev/full: cannot be written .*No space left on device"):
        write("/dev/full", plain_frames(count))


# ---- both ways

@needs_ffmpeg
@pytest.mark.parametrize("name", ["-x.mp4", "a b.mp4", "Gesicht é 中.mp4", "http:a|b.mp4", "%03d.mp4",
                                  "it's \"[0]\", \\.mp4"])
def test_file_names_are_only_names(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    write(name, plain_frames(3))
    assert os.listdir(tmp_path) == [name]
    assert len(list(VideoReader(name))) == 3


def test_missing_ffmpeg_is_one_line_that_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    path = tmp_path / "clip.mp4"
    path.touch()
    for use in (lambda: VideoReader(path), lambda: write(path, plain_frames(1))):
        with pytest.raises(FaceparseError, match="clip.mp4: videos need the program ffmpeg.* install") as caught:
            use()
        assert "\n" not in str(caught.value)


def test_program_that_does_not_start_is_one_line(tmp_path, monkeypatch):
    program = tmp_path / "ffmpeg"
    program.write_bytes(b"\x7fELF, or not")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    for use in (lambda: VideoReader(program), lambda: write(tmp_path / "clip.mp4", plain_frames(1))):
        with pytest.raises(FaceparseError, match="ffmpeg does not start"):
            use()


def test_talkative_ffmpeg_does_not_block_and_its_last_words_are_told(tmp_path, monkeypatch):
    program = tmp_path / "ffmpeg"
    program.write_text("#!/bin/sh\nyes noise | head -c 600000 >&2\necho '[mp4 @ 0x5] last words' >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    for use in (lambda: VideoReader(program), lambda: write(tmp_path / "clip.mp4", plain_frames(200))):
        with pytest.raises(FaceparseError, match=r"\(ffmpeg: last words\)"):
            use()


def test_videos_are_told_by_suffix_and_cameras_by_device():
    assert all(map(is_video, ["a.mp4", "b.MOV", Path("c/d.mkv"), "/dev/video0", "/dev/video12"]))
    assert not any(map(is_video, ["a.jpg", "mp4", "folder", "/dev/video", "/dev/null", "video0"]))


def test_camera_that_is_not_there_is_named():
    with pytest.raises(FaceparseError, match="/dev/video987: no such camera"):
        VideoReader("/dev/video987")


@needs_ffmpeg
def test_camera_that_gives_no_picture_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr(video, "_is_camera", lambda path: True)
    with pytest.raises(FaceparseError, match="cannot be read as a video .*close other programs that use the camera"):
        VideoReader(encode(tmp_path / "clip.mkv", plain_frames(2)))
