"""Damaged inputs for every reader: each must be read, or refused by a FaceparseError of one line, within bounds.

    python tests/faults/fuzz.py                        2,000 inputs
    python tests/faults/fuzz.py --count 200 --seed 1
    python tests/faults/fuzz.py --only lapa:17         one of them, with its traceback

Each reader has a small, intact data set (or run, or list). A case damages one of its files (mutations.py), reads all of
it as training or parsing would, and restores the file. A case fails for any other exception than FaceparseError, for a
message that is not one line or does not name the file, for a warning, and where it takes more than SECONDS of one core
or MEGABYTES of additional memory.
"""
import argparse
import collections
import contextlib
import io
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from functools import partial
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from faceparse import drawing, files, labels
from faceparse.adaptation import adapted_parser, loading
from faceparse.adaptation.training import AdapterTraining
from faceparse.annotation import labelme
from faceparse.data import landmarks, parsing
from faceparse.data.drawn import toy
from faceparse.data.loading import Faces
from faceparse.errors import FaceparseError, NoSuchSplit
from faceparse.inference import checkpoint, input_files
from faceparse.inference.video import VideoReader
from faceparse.labels import LABEL_SETS, label_set_to_dict
from faceparse.landmark_sets import LANDMARK_SETS, landmark_set_to_dict
from faceparse.models.published_pipnet import read_mean_face
from faceparse.papers.baker2023_averages import TrainingSet
from faceparse.papers.baker2023_figures import iou_charts
from faceparse.training import run_folder
from faceparse.training.landmark_training import LandmarkTraining
from faceparse.training.options import RunOptions
from faceparse.training.parser_training import ParserTraining
from faceparse.training.run import train as train_run

sys.path.insert(0, str(Path(__file__).parent))
from mutations import displace, mutate  # noqa: E402

SECONDS, MEGABYTES = 10, 1500
LAPA = LABEL_SETS["lapa"]


# ---- intact data sets

def face(index, size=48):
    image, mask, points = toy.draw(0, index, size)
    return Image.fromarray(image), mask, points


def write_points(points, path, before="", after="", separator=" "):
    rows = "".join(f"{x:.3f}{separator}{y:.3f}\n" for x, y in points)
    files.write_file(f"{before}{rows}{after}", path)


def write_pts(points, path):
    write_points(points + 1, path, f"version: 1\nn_points: {len(points)}\n{{\n", "}\n")


def some_points(count):
    """`count` points of a drawn face: LaPa's, repeated where more are needed."""
    return np.concatenate([face(0)[2]] * 2)[:count]


def make_lapa(home):
    for index in range(2):
        image, mask, points = face(index)
        drawing.save_picture(image, home / f"train/images/{index}.jpg")
        drawing.save_mask(mask, LAPA, home / f"train/labels/{index}.png")
        write_points(points, home / f"train/landmarks/{index}.txt", "106\n")


def make_helen(home):
    for index, split in enumerate(("exemplars", "tuning", "testing")):
        image, mask, _ = face(index)
        drawing.save_picture(image, home / f"images/f{index}.jpg")
        for part in range(11):
            drawing.save_picture(np.uint8(255 * (mask == part)), home / f"labels/f{index}/f{index}_lbl{part:02d}.png")
        write_points(some_points(194), home / f"annotation/{index}.txt", f"f{index}\n", separator=" , ")
        files.write_file(f"{index + 1} , f{index}\n", home / f"{split}.txt")


def make_celebamask(home):
    names = LABEL_SETS["celebamask"].names
    for index in range(3):
        image, mask, _ = face(index)
        drawing.save_picture(image, home / f"CelebA-HQ-img/{index}.jpg")
        for part in (1, 2, 13):
            drawing.save_picture(np.uint8(255 * (mask == part % 11)),
                                home / f"CelebAMask-HQ-mask-anno/0/{index:05d}_{names[part]}.png")
    files.write_file("idx   orig_idx  orig_file\n0   1  000001.jpg\n1   2  162771.jpg\n2   3  182638.jpg\n",
                      home / "CelebA-HQ-to-CelebA-mapping.txt")


def make_merged(home):
    for index in range(3):
        drawing.save_picture(face(index)[0], home / f"{index}.jpg")
        drawing.save_picture(face(index)[1], home / f"{index}.png")


def make_course(home):
    colours = np.array(LABEL_SETS["celebamask"].palette, np.uint8)
    drawing.save_picture(face(0)[0], home / "train/images/0.jpg")
    drawing.save_picture(colours[face(0)[1]], home / "train/masks/0.png")


def make_facesynthetics(home):
    for index in range(3):
        image, mask, _ = face(index)
        drawing.save_picture(image, home / f"{index:06d}.png")
        drawing.save_picture(mask, home / f"{index:06d}_seg.png")
        write_points(some_points(70), home / f"{index:06d}_ldmks.txt")


def make_ibugmask(home):
    for split in ("train", "test"):
        image, mask, points = face(0)
        drawing.save_picture(image, home / f"ibugmask/{split}/a.jpg")
        drawing.save_picture(mask, home / f"ibugmask/{split}/a.png")
        write_points(some_points(68), home / f"ibugmask/{split}/a_landmark.txt", "# 68\n")
        files.write_file("# box\n4 5 40 44\n", home / f"ibugmask/{split}/a_bbox.txt")


def make_folder(home):
    files.write_json(label_set_to_dict(LAPA), home / "labels.json")
    for index, (suffix, mode) in enumerate((("gif", "P"), ("tif", "RGB"), ("bmp", "RGB"), ("webp", "RGB"),
                                            ("ppm", "RGB"), ("png", "RGBA"), ("png", "I;16"), ("jpg", "CMYK"))):
        image, mask, _ = face(index)
        exif = Image.Exif()
        exif[0x0112] = 6
        image = image.convert("L").convert("I").convert("I;16") if mode == "I;16" else image.convert(mode)
        (home / "train/images").mkdir(parents=True, exist_ok=True)
        image.save(home / f"train/images/{index}.{suffix}", **({"exif": exif} if suffix in ("jpg", "webp") else {}))
        mask = np.rot90(mask, -1) if suffix in ("jpg", "webp") else mask
        drawing.save_picture(mask, home / f"train/masks/{index}.png")


def make_landmarks(home):
    files.write_json(landmark_set_to_dict(LANDMARK_SETS["68"]), home / "landmarks.json")
    description = (home / "landmarks.json").read_text().replace('"name": "68"', '"name": "mine"')
    files.write_file(description, home / "landmarks.json")
    for index, write in ((0, write_pts), (1, write_points)):
        drawing.save_picture(face(index)[0], home / f"train/images/{index}.png")
        write(some_points(68), home / f"train/images/{index}{'.pts' if write is write_pts else '.txt'}")


def make_labelme(home):
    image, mask, points = face(0)
    drawing.save_picture(image, home / "labelme/train/0.jpg")
    labelme.write(home / "labelme/train/0.json", home / "labelme/train/0.jpg", image.size, points, LANDMARK_SETS["106"],
                  [("skin", [[5, 5], [40, 8], [30, 44]]), ("nose", [[20, 20], [26, 20], [24, 30]])])


def make_300w(home):
    for tree in ("afw", "helen/testset"):
        drawing.save_picture(face(0)[0], home / f"{tree}/a.jpg")
        write_pts(some_points(68), home / f"{tree}/a.pts")


def read_faces(load, name, aligns, home):
    """Read all of a data set, each face as a crop."""
    for split in ("train", "val", "test"):
        try:
            faces = load(name, split, home)
        except NoSuchSplit:
            continue
        for record in faces.records:
            for align in aligns:
                Faces([record], record.labels, 32, align, landmarks=True)[0]
            if record.box:
                record.box()


# ---- checkpoints and runs

OPTIONS = {"size": 32, "epochs": 2, "batch": 2, "recipe": "toy"}
CPU = {"device": "cpu", "amp": "off"}


def make_data(home, count=2):
    files.write_json(label_set_to_dict(LAPA), home / "folder/labels.json")
    for index in range(count):
        image, mask, _ = face(index, 32)
        drawing.save_picture(image, home / f"folder/train/images/{index}.png")
        drawing.save_picture(mask, home / f"folder/train/masks/{index}.png")


def train(home, resume=True, **options):
    return train_run(ParserTraining("fastscnn", "folder", {**OPTIONS, **options}, home),
                     RunOptions(runs=home / "runs", name="run", resume=resume, **CPU))


def make_parser(home):
    make_data(home)
    train(home, False, epochs=1)
    keep(home, home / "runs/run/best.pt")


def keep(home, *files):
    """Remove everything from `home` except these files, which are moved to its top."""
    kept = [(file.name, file.read_bytes()) for file in files]
    shutil.rmtree(home)
    home.mkdir()
    for name, data in kept:
        (home / name).write_bytes(data)


def read_parser(home):
    checkpoint.load(home / "best.pt", "cpu").parse(face(0)[0])


def make_adapter(home):
    make_data(home, 4)  # one of which chooses the epoch
    parser = checkpoint.load(train(home, False, epochs=1), "cpu")
    options = {**OPTIONS, "size": None, "epochs": 1}
    adapter = train_run(AdapterTraining([parser], "fastscnn", "folder", options, home),
                        RunOptions(runs=home / "runs", **CPU))
    shutil.copy(parser.path / "best.pt", home / "parser.pt")
    keep(home, adapter / "best.pt", home / "parser.pt")


def read_adapter(home):
    for model in adapted_parser.pair([loading.load_any(home / name, "cpu") for name in ("parser.pt", "best.pt")]):
        model.parse(face(0)[0])


def make_landmarker(home):
    make_landmarks(home / "folder")
    options = {"size": 64, "epochs": 1, "batch": 2, "encoder": "mobilenet_v3_large", "encoder_weights": "none"}
    run = train_run(LandmarkTraining("regressor", "folder", options, home), RunOptions(runs=home / "runs", **CPU))
    keep(home, run / "best.pt")


def read_landmarker(home):
    checkpoint.load_any(home / "best.pt", "cpu").locate_with_confidence(torch.zeros(1, 3, 64, 64, dtype=torch.uint8))


def make_run(home):
    """A run that was interrupted after the first of its two epochs."""
    make_data(home)
    torch.manual_seed(0)
    folder = train(home, False, epochs=1)
    options = (folder / "args.json").read_text().replace('"epochs": 1', '"epochs": 2')
    files.write_file(options, folder / "args.json")
    shutil.rmtree(home / "intact", ignore_errors=True)
    shutil.copytree(folder, home / "intact")
    for name in ("curves.png", "examples.png"):
        (home / "intact" / name).unlink(missing_ok=True)


def read_run(home):
    """Look the run up among the finished ones, resume it, and look it up again."""
    shutil.rmtree(home / "runs/run")
    subprocess.run(["cp", "-a", home / "intact", home / "runs/run"], check=True)  # pipes and links too
    for _ in range(2):
        folder = home / "runs/run"
        run_folder.finished(folder), run_folder.kind_of(folder), run_folder.holds_parser(folder)
        iou_charts(TrainingSet("toy", [{"run": "run", "arch": "unet", "encoder": None}], {}),
                   {"run": run_folder.history_of(folder)})
        train(home)


# ---- lists

def make_boxes(home):
    for name in ("a.png", "b.jpg"):
        drawing.save_picture(face(0)[0], home / "photos" / name)
    files.write_file("picture,x0,y0,x1,y1\na.png,1,2,30,40\nb.jpg,5.5,6,40,44\n", home / "boxes.csv")


def read_boxes(home):
    input_files.read_boxes(home / "boxes.csv", input_files.find_files([home / "photos"], home / "out"))


def make_mean_face(home):
    files.write_file(" ".join(f"{value / 48:.5f}" for value in some_points(68).ravel()), home / "meanface.txt")


def make_label_sets(home):
    files.write_json(label_set_to_dict(LABEL_SETS["celebamask"]), home / "mine.json")


# ---- videos, with a stand-in for ffmpeg

FAKE = """#!/bin/sh
case "$*" in
*"-f yuv4mpegpipe"*) cat "{home}/log.txt" >&2; cat "{home}/probe.y4m";;
*-h*long*) echo -fps_mode;;
*) cat "{home}/frames.rgb";;
esac
"""


def make_video(home):
    files.write_file(FAKE.format(home=home), home / "bin/ffmpeg")
    (home / "bin/ffmpeg").chmod(0o755)
    files.write_file("x", home / "clip.mp4")
    files.write_file(b"YUV4MPEG2 W16 H12 F30000:1001 Ip A1:1\nFRAME\n" + bytes(16 * 12), home / "probe.y4m")
    files.write_file(bytes(range(256)) * 9, home / "frames.rgb")  # four frames
    files.write_file("  Duration: 00:00:01.00, start: 0.0, bitrate: 1 kb/s\n  Stream #0:0[0x1]: Video: h264, yuv420p, "
                      "16x12, 29.97 fps, 30 tbr\n  Stream #0:0 -> #0:0 (h264 -> rawvideo)\n", home / "log.txt")


def read_video(home):
    path = os.environ["PATH"]
    os.environ["PATH"] = f"{home}/bin:{path}"
    try:
        for _ in VideoReader(home / "clip.mp4"):
            pass
    finally:
        os.environ["PATH"] = path


def with_points(load, name):
    return partial(read_faces, load, name, ("landmarks", "box", "crop", "none"))


PICTURES = ("none",)
READERS = {  # name: (make the files, read them, its share, which files are damaged)
    "lapa": (make_lapa, with_points(parsing.load, "lapa"), 10, ""),
    "helen": (make_helen, with_points(parsing.load, "helen"), 8, ""),
    "celebamask": (make_celebamask, partial(read_faces, parsing.load, "celebamask", PICTURES), 7, ""),
    "merged": (make_merged, partial(read_faces, parsing.load, "celebamask", PICTURES), 5, ""),
    "course": (make_course, partial(read_faces, parsing.load, "celebamask", PICTURES), 5, ""),
    "facesynthetics": (make_facesynthetics, with_points(parsing.load, "facesynthetics"), 8, ""),
    "ibugmask": (make_ibugmask, with_points(parsing.load, "ibugmask"), 8, ""),
    "folder": (make_folder, partial(read_faces, parsing.load, "folder", PICTURES), 14, ""),
    "landmarks": (make_landmarks, partial(read_faces, landmarks.load, "folder", ("landmarks", "box", "none")), 10, ""),
    "labelme": (make_labelme, with_points(parsing.load, "labelme"), 8, "json"),
    "300w": (make_300w, partial(read_faces, landmarks.load, "300w", ("landmarks", "crop")), 8, ""),
    "parser": (make_parser, read_parser, 14, ""),
    "adapter": (make_adapter, read_adapter, 8, "best.pt"),
    "landmarker": (make_landmarker, read_landmarker, 8, ""),
    "run": (make_run, read_run, 4, "intact/"),
    "boxes": (make_boxes, read_boxes, 6, ""),
    "mean face": (make_mean_face, lambda home: read_mean_face(home / "meanface.txt", 68), 4, ""),
    "label set": (make_label_sets, lambda home: labels.label_set(str(home / "mine.json")), 5, ""),
    "video": (make_video, read_video, 4, r"y4m|rgb|txt"),
}


# ---- a case

class TooSlow(BaseException):
    """A BaseException, so that no reader catches it."""


@contextlib.contextmanager
def limited(seconds):
    def stop(*_):
        raise TooSlow(f"more than {seconds} s")
    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def peak():
    """Megabytes: the peak memory of this process since the last call."""
    status = Path("/proc/self/status").read_text()
    Path("/proc/self/clear_refs").write_text("5")
    return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024


def limit_memory():
    """Protect the machine: beyond twice the bound an allocation fails."""
    held = int(re.search(r"VmSize:\s+(\d+)", Path("/proc/self/status").read_text())[1]) * 1024
    resource.setrlimit(resource.RLIMIT_AS, (held + 2 * MEGABYTES * 2**20, resource.getrlimit(resource.RLIMIT_AS)[1]))


class Fuzzer:
    """Runs cases on the readers' files under `home`, which are made once."""

    def __init__(self, home, seed):
        self.home, self.seed, self.made = Path(home), seed, {}

    def intact(self, reader):
        """{path: bytes} of the files of a reader that may be damaged; at first they are made, and read undamaged."""
        make, read, _, which = READERS[reader]
        if reader not in self.made:
            folder = self.home / reader
            folder.mkdir()
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                make(folder)
                read(folder)
            self.made[reader] = {path: path.read_bytes() for path in sorted(folder.rglob("*"))
                                 if path.is_file() and re.search(which, str(path.relative_to(folder)))}
        return self.made[reader]

    def case(self, reader, number):
        """Run case `number` -> (what was damaged, "read", "refused" or "broke", why the case fails or "")."""
        files = self.intact(reader)
        draw = np.random.default_rng([self.seed, list(READERS).index(reader), number])
        path = list(files)[int(draw.integers(len(files)))]
        if draw.random() < 0.06 and reader != "video":  # its files are read by the stand-in for ffmpeg
            what = displace(path, draw)
        else:
            what, data = mutate(path.name, files[path], draw)
            path.write_bytes(data)
        what = f"{path.relative_to(self.home)}: {what}"
        try:
            return what, *self.read(reader)
        finally:
            if path.is_dir() and not path.is_symlink():
                path.rmdir()
            else:
                path.unlink(missing_ok=True)
            path.write_bytes(files[path])

    def read(self, reader):
        begin, _, held = time.process_time(), peak(), peak()
        ended, wrong = "read", ""
        with (warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()),
              contextlib.redirect_stderr(io.StringIO())):
            warnings.simplefilter("error")
            warnings.filterwarnings("ignore", module="PIL")
            try:
                with limited(6 * SECONDS):
                    READERS[reader][1](self.home / reader)
            except FaceparseError as error:
                ended, message = "refused", str(error)
                names_it = str(self.home) in message or re.match(r"(train|val|test)/\w+: ", message)
                if "\n" in message or len(message) > 1000 or not names_it:
                    wrong = f"the message is not one line that names the file: {message[:300]!r}"
            except (Exception, TooSlow) as error:
                ended, wrong = "broke", f"{type(error).__name__}: {str(error)[:200]}"
                self.traceback = traceback.format_exc()
        seconds, megabytes = time.process_time() - begin, peak() - held
        self.most = getattr(self, "most", []) + [(megabytes, seconds)]
        if not wrong and seconds > SECONDS:
            wrong = f"took {seconds:.1f} s"
        if not wrong and megabytes > MEGABYTES:
            wrong = f"held {megabytes:.0f} MB"
        return ended, wrong


def shares(count):
    """{reader: how many of at least `count` cases}"""
    total = sum(share for _, _, share, _ in READERS.values())
    return {reader: -(-count * share // total) for reader, (_, _, share, _) in READERS.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="*", default=[], help="reader, or reader:case")
    args = parser.parse_args()
    torch.set_num_threads(1)
    limit_memory()
    ends, failures, begin = collections.Counter(), 0, time.monotonic()
    with tempfile.TemporaryDirectory() as home:
        fuzzer = Fuzzer(home, args.seed)
        for reader, count in shares(args.count).items():
            if args.only and reader not in [only.split(":")[0] for only in args.only]:
                continue
            chosen = [int(only.split(":")[1]) for only in args.only if only.startswith(f"{reader}:")]
            start, reader_ends = time.monotonic(), collections.Counter()
            for number in chosen or range(count):
                what, ended, wrong = fuzzer.case(reader, number)
                reader_ends[ended] += 1
                failures += bool(wrong)
                if wrong or chosen:
                    print(f"{reader}:{number}  {what}  ->  {ended} {wrong}", flush=True)
                if chosen and ended == "broke":
                    print(fuzzer.traceback)
            print(f"{reader}: {dict(reader_ends)}, {time.monotonic() - start:.0f} s, at most "
                  f"{max(fuzzer.most)[0]:.0f} MB and {max(s for _, s in fuzzer.most):.1f} s", flush=True)
            fuzzer.most = []
            ends += reader_ends
    print(f"{sum(ends.values())} inputs ({', '.join(f'{end} {n}' for end, n in ends.items())}), {failures} wrong, in "
          f"{time.monotonic() - begin:.0f} s")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
