"""The cost of networks: the time for one crop, and the table of the cost of finding faces."""
import statistics
import time

import torch

from faceparse import drawing

WARM_UP, REPEATS = 3, 15  # runs that are not timed, runs that are


def median_milliseconds(forward, size):
    """The median time of forward(images) for one crop (1, 3, size, size) uint8."""
    images = torch.zeros(1, 3, size, size, dtype=torch.uint8)
    times = []
    for _ in range(WARM_UP + REPEATS):
        start = time.perf_counter()
        forward(images).cpu()  # the copy to the CPU waits for the device
        times.append(1000 * (time.perf_counter() - start))
    return statistics.median(times[WARM_UP:])


def finding_table(costs, style=drawing.table):
    """A table of FaceFinder.cost dicts, one row each."""
    return style(["found by", "parameters", "crops", "GFLOPs", "ms"], [
        [cost["run"], cost["parameters"], f"{cost['looks']:.1f}", f"{cost['flops'] / 1e9:.2f}",
         f"{cost['milliseconds']:.1f}"] for cost in costs])
