"""The peer of PIPNet's decoding: the formula of Jin et al. 2021, section 3, written out, a face at a time.

    python tests/benchmarks/peer_pipnet.py

A landmark is in the cell of its largest score, at that cell's offset. The result is the mean of this point and of the
points that other landmarks, of which it is a neighbour, predict for it in their own cells. Nothing here imports
faceparse.
"""
import argparse
import time

import numpy as np
import torch
import turns


def decode(score, x, y, nb_x, nb_y, neighbors, stride=32):
    """Maps of one face, (L, h, w) and (L N, h, w) arrays; neighbors (L, N) -> (L, 2) in pixels of the crop."""
    landmarks, height, width = score.shape
    count = neighbors.shape[1]
    cells = [divmod(int(score[i].argmax()), width) for i in range(landmarks)]
    votes = [[] for _ in range(landmarks)]
    for i, (row, column) in enumerate(cells):
        votes[i].append((column + x[i, row, column], row + y[i, row, column]))
    for i, (row, column) in enumerate(cells):
        for j in range(count):
            vote = column + nb_x[i * count + j, row, column], row + nb_y[i * count + j, row, column]
            votes[neighbors[i, j]].append(vote)
    return np.array([np.mean(points, axis=0) for points in votes]) * stride - 0.5


def maps(batch, landmarks=68, neighbors=10, cells=8, seed=0):
    """Random outputs of PIPNet for `batch` faces, {name: (B, L or L N, h, w)}, and random neighbours (L, N)."""
    generator = torch.Generator().manual_seed(seed)
    pairs = landmarks * neighbors
    widths = {"score": landmarks, "x": landmarks, "y": landmarks, "nb_x": pairs, "nb_y": pairs}
    outputs = {name: torch.rand(batch, width, cells, cells, generator=generator) for name, width in widths.items()}
    near = torch.stack([torch.randperm(landmarks - 1, generator=generator)[:neighbors] for _ in range(landmarks)])
    near += near >= torch.arange(landmarks)[:, None]  # no landmark is its own neighbour
    return outputs, near


def prepare(batch, device="cpu", repeats=20):
    """-> a function that decodes the batch `repeats` times and returns {"seconds" of one face, "points" (B, L, 2)}."""
    outputs, neighbors = maps(batch)
    outputs = {name: values.to(device) for name, values in outputs.items()}
    neighbors = neighbors.numpy()

    def turn():
        start = time.perf_counter()
        for _ in range(repeats):
            arrays = [values.cpu().numpy() for values in outputs.values()]
            points = np.stack([decode(*(values[face] for values in arrays), neighbors) for face in range(batch)])
        return {"seconds": (time.perf_counter() - start) / repeats / batch, "points": points}
    return turn


if __name__ == "__main__":
    args = turns.options(argparse.ArgumentParser(description=__doc__.splitlines()[0])).parse_args()
    for batch in (1, 32):
        turn = prepare(batch, args.device)
        turn()
        print(f"batch {batch}: {1000 * turn()['seconds']:.2f} ms a face")
