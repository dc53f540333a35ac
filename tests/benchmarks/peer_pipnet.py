"""The peer of PIPNet's decoding: the formula of Jin et al. 2021, section 3, coded as it reads, a face at a time.

    python tests/benchmarks/peer_pipnet.py

A landmark lies in the cell of its largest score, at that cell's own offset; the result is the mean of this and of what
each landmark that lists it as a neighbour says of it in its own cell. Nothing here imports faceparse.
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
    found = [[] for _ in range(landmarks)]
    for i, (row, column) in enumerate(cells):
        found[i].append((column + x[i, row, column], row + y[i, row, column]))
    for i, (row, column) in enumerate(cells):
        for j in range(count):
            vote = column + nb_x[i * count + j, row, column], row + nb_y[i * count + j, row, column]
            found[neighbors[i, j]].append(vote)
    return np.array([np.mean(votes, axis=0) for votes in found]) * stride - 0.5


def maps(batch, landmarks=68, neighbors=10, cells=8, seed=0):
    """Five maps of `batch` faces, and neighbours, drawn at random: (B, L, h, w) ..., (L, N)."""
    generator = torch.Generator().manual_seed(seed)
    votes = landmarks * neighbors
    widths = {"score": landmarks, "x": landmarks, "y": landmarks, "nb_x": votes, "nb_y": votes}
    found = {name: torch.rand(batch, width, cells, cells, generator=generator) for name, width in widths.items()}
    near = torch.stack([torch.randperm(landmarks - 1, generator=generator)[:neighbors] for _ in range(landmarks)])
    near += near >= torch.arange(landmarks)[:, None]  # no landmark is its own neighbour
    return found, near


def prepare(batch, device="cpu", repeats=20):
    """-> a function that decodes the batch `repeats` times and returns {"seconds" of one face, "points" (B, L, 2)}."""
    found, neighbors = maps(batch)
    found = {name: values.to(device) for name, values in found.items()}
    neighbors = neighbors.numpy()

    def turn():
        start = time.perf_counter()
        for _ in range(repeats):
            arrays = [values.cpu().numpy() for values in found.values()]
            points = np.stack([decode(*(values[face] for values in arrays), neighbors) for face in range(batch)])
        return {"seconds": (time.perf_counter() - start) / repeats / batch, "points": points}
    return turn


if __name__ == "__main__":
    args = turns.options(argparse.ArgumentParser(description=__doc__.splitlines()[0])).parse_args()
    for batch in (1, 32):
        turn = prepare(batch, args.device)
        turn()
        print(f"batch {batch}: {1000 * turn()['seconds']:.2f} ms a face")
