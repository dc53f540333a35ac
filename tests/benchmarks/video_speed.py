"""Frames a second of a landmark network or a parser on a video: decoded, predicted, drawn and encoded again.

    python tests/benchmarks/video_speed.py --model runs/toy-pipnet-mobilenet_v2
    python tests/benchmarks/video_speed.py --model runs/a runs/b        each separately, alternately
    python tests/benchmarks/video_speed.py --model runs/pipnet runs/unet --together

The video is made first: 300 frames of 640 x 480, a drawn face that drifts over a background. The network should run
once a frame: frames in = runs of the network = frames out. Needs the program ffmpeg.
"""
import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from faceparse.data import parsing
from faceparse.data.images import open_image
from faceparse.inference import checkpoint
from faceparse.inference.finder import FaceFinder
from faceparse.inference.landmark_network import Landmarker
from faceparse.inference.predict import BATCH
from faceparse.inference.video import VideoReader
from faceparse.inference.video_writer import VideoWriter
from faceparse.inference.videos import predict_video

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--model", nargs="+", type=Path, required=True, help="run folders of landmark networks or parsers")
parser.add_argument("--frames", type=int, default=300)
parser.add_argument("--turns", type=int, default=3)
parser.add_argument("--amp", choices=["auto", "on", "off"], default="auto")
parser.add_argument("--together", action="store_true", help="a landmark network aligns the faces for a parser")
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
        for paths in [args.model] if args.together else [[path] for path in args.model]:
            models = [checkpoint.load_any(path, amp=args.amp) for path in paths]
            landmarkers = [model for model in models if isinstance(model, Landmarker)]
            parsers = [model for model in models if model not in landmarkers]
            busy = time.process_time()
            notes = predict_video(out / "drift.mp4", out / paths[0].name, parsers[0] if parsers else None,
                                  FaceFinder(landmarkers) if landmarkers else None, BATCH)
            busy = time.process_time() - busy
            written = sum(1 for _ in VideoReader(out / f"{paths[0].name}_overlay.mp4"))
            print(*notes, f"frames in {args.frames}, frames out {written}; {1000 * busy / args.frames:.1f} ms of the "
                  "processors a frame, ffmpeg's apart", sep="\n", flush=True)
