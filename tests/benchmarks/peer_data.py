"""The peer of the data path: files -> augmented, normalised batches with OpenCV and albumentations.

    pip install -e '.[bench]'
    python tests/benchmarks/peer_data.py --root ROOT

CelebAMask-HQ's course layout, 512 x 512, by baker2023's recipe at 128 x 128 as in peer_celebamask.py. Every picture is
decoded in every epoch, as in its notebooks; --cache keeps the decoded, resized arrays, which neither library does by
itself. In one process; for a GPU in one a core, but for the cache, which would be filled in each of them. Nothing here
imports faceparse.
"""
import argparse
import time
from pathlib import Path

import torch
import turns
from peer_celebamask import BAKER2023, CelebAMask, one_thread


class Cached(CelebAMask):
    """The same data, each file read once."""

    def __init__(self, *args):
        super().__init__(*args)
        self.decoded = {}

    def decode(self, index):
        if index not in self.decoded:
            self.decoded[index] = super().decode(index)
        return self.decoded[index]


def prepare(root, limit, size=128, batch=24, cache=False, device="cpu"):
    """-> a function that makes all batches of `limit` faces and returns {"seconds", "faces"}."""
    data = (Cached if cache else CelebAMask)(Path(root) / "celebamask" / "train", size, BAKER2023, limit)
    processes = 0 if cache or device == "cpu" else turns.loader_processes(device)  # 0: this process
    loader = torch.utils.data.DataLoader(data, batch_size=batch, shuffle=True, num_workers=processes,
                                         persistent_workers=processes > 0, pin_memory=device != "cpu",
                                         worker_init_fn=one_thread if processes else None,
                                         multiprocessing_context=turns.LOADER_START if processes else None)

    def turn():
        start = time.perf_counter()
        faces = sum(len(image.to(device, non_blocking=True)) for image, _ in loader)
        if device != "cpu":
            torch.cuda.synchronize()
        return {"seconds": time.perf_counter() - start, "faces": faces}
    return turn


if __name__ == "__main__":
    parser = turns.options(argparse.ArgumentParser(description=__doc__.splitlines()[0]))
    parser.add_argument("--limit", type=int, default=480)
    parser.add_argument("--cache", action="store_true")
    args = parser.parse_args()
    turn = prepare(args.root, args.limit, cache=args.cache, device=args.device)
    turn()
    result = turn()
    print(f"{result['faces'] / result['seconds']:.0f} faces a second")
