"""Frames a second of a landmark network or a parser on a video: decoded, predicted, drawn and encoded again.

    python tests/benchmarks/video_speed.py --model runs/toy-pipnet-mobilenet_v2
    python tests/benchmarks/video_speed.py --model runs/a runs/b        each separately, alternately

The video is made first: 300 frames of 640 x 480, a drawn face that drifts over a background. The network should run
once a frame: frames in = runs of the network = frames out. Needs the program ffmpeg.
"""
import argparse
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from faceparse.data import parsing
from faceparse.data.images import open_image
from faceparse.inference import checkpoint
from faceparse.inference.finder import FaceFinder
from faceparse.inference.landmark_network import Landmarker
from faceparse.inference.video import VideoReader
from faceparse.inference.video_writer import VideoWriter
from faceparse.inference.videos import predict_video

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--model", nargs="+", type=Path, required=True, help="run folders of landmark networks or parsers")
parser.add_argument("--frames", type=int, default=300)
parser.add_argument("--turns", type=int, default=3)
parser.add_argument("--amp", choices=["auto", "on", "off"], default="auto")
parser.add_argument("--out", type=Path, help="keep the videos there")
args = parser.parse_args()

with tempfile.TemporaryDirectory() as temporary:
    out = args.out or Path(temporary)
    face, scene = (open_image(record.image) for record in
                   parsing.load("toy", "test", ".", limit=2, toy_size=320).records)
    scene = np.asarray(scene.resize((640, 480)).reduce(16).resize((640, 480)))
    with VideoWriter(out / "drift.mp4", (640, 480), 30) as writer:
        for t in range(args.frames):
            frame = Image.fromarray(scene)
            x, y = 160 + 120 * np.sin(t / 40), 80 + 50 * np.sin(t / 23)
            frame.paste(face, (round(x), round(y)))
            writer.write(np.asarray(frame))
    for turn in range(args.turns):
        for path in args.model:
            model = checkpoint.load_any(path, amp=args.amp)
            finder = FaceFinder([model]) if isinstance(model, Landmarker) else None
            notes = predict_video(out / "drift.mp4", out / path.name, None if finder else model, finder)
            written = sum(1 for _ in VideoReader(out / f"{path.name}_overlay.mp4"))
            print(*notes, f"frames in {args.frames}, frames out {written}", sep="\n", flush=True)
