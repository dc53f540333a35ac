"""Stages that work on a sequence at the same time, each in threads of its own, in order, a bounded number of items.

    read = ahead(read_picture, files, threads=2)
    for result in ahead(write, batched(read, parser.probabilities, 8), threads=2): ...

Threads suffice: decoding, networks, warps and encoding release Python's global lock. After an error or Ctrl-C, calls
that have begun are waited for, so that no file is left half written; the others are dropped.
"""
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import torch
from PIL import Image

from faceparse.inference.face_parser import Parser, crops
from faceparse.inference.faces import homography_of, parse_aligned

WAITING_PIXELS = 1 << 25  # of pictures whose batch is not full: beyond it the batch is run, so that memory is bounded


@dataclass
class Work:
    """A picture, or a frame of a video, on its way through the stages.

    picture       the Pillow image
    faces         [Face]
    homographies  of their crops, 3x3 each, picture -> crop
    crops         (3, S, S) uint8 each; `batched` replaces them by `probabilities`, (C, S, S) float32 on the CPU each
    """
    picture: Image.Image | None = None
    faces: list = field(default_factory=list)
    homographies: list = field(default_factory=list)
    crops: list = field(default_factory=list)
    probabilities: list = field(default_factory=list)

    @property
    def pixels(self):
        """Number of pixels of the picture."""
        return self.picture.width * self.picture.height if self.picture else 0

    def cut_out(self, parser, finder):
        """Cut out the faces' crops for a Parser; a CoarseToFine, whose crop is found by a network too, parses them."""
        if isinstance(parser, Parser):
            self.homographies = [homography_of(face, self.picture.size, parser, finder) for face in self.faces]
            self.crops = list(crops(self.picture, self.homographies, parser.size)) if self.faces else []
            return
        for face in self.faces:
            face.parsed = parse_aligned(self.picture, parser, finder, face.detection, face.box)

    def restore(self, parser, with_confidence=False, with_sums=True):
        """Take the probabilities back to the picture; with_confidence, with_sums: see Parser.parsed."""
        for face, homography, probabilities in zip(self.faces, self.homographies, self.probabilities):
            face.parsed = parser.parsed(probabilities, homography, self.picture.size, None, with_confidence, with_sums)


def ahead(function, items, threads):
    """Yields function(item) for each item, in order, computed in advance by threads (0: none). At most one item more
    than there are threads is on its way."""
    if not threads:
        yield from map(function, items)
        return
    with ThreadPoolExecutor(threads) as pool:
        waiting = deque()
        try:
            for item in items:
                waiting.append(pool.submit(function, item))
                if len(waiting) > threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)


def batched(works, probabilities, batch):
    """Yields Works, in order, with the probabilities of their crops: computed by the function `probabilities`,
    (B, 3, S, S) uint8 -> (B, C, S, S), for `batch` crops at a time of one or several pictures."""
    def run():
        pairs = [crops.popleft() for _ in range(min(batch, len(crops)))]
        results = probabilities(torch.stack([crop for _, crop in pairs])).cpu()
        for (work, _), result in zip(pairs, results):
            work.probabilities.append(result)

    waiting, crops, pixels = deque(), deque(), 0
    for work in works:
        waiting.append((work, len(work.crops)))
        crops += [(work, crop) for crop in work.crops]
        work.crops = []
        pixels = pixels + work.pixels if crops else 0
        while len(crops) >= batch or crops and pixels > WAITING_PIXELS:
            run()
            pixels = 0
        while waiting and len(waiting[0][0].probabilities) == waiting[0][1]:
            yield waiting.popleft()[0]
    while crops:
        run()
    for work, _ in waiting:
        yield work
