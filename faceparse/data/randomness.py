"""Random numbers keyed by (seed, epoch, record index): no generator, so no state to save, split or advance.

A draw is a function of its key alone. It is the same for any number of workers and any way of batching, and a run
resumed from an epoch's checkpoint continues bit by bit. The function is splitmix64 (Steele, Lea and Flood 2014, "Fast
splittable pseudorandom number generators"): a counter stepped by the golden ratio, then mixed.
"""
import zlib

import numpy as np

GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # 2^64 / golden ratio, odd: splitmix64's step


def mix(x):
    """splitmix64's finaliser, a bijection of 64-bit integers: (...) uint64 array -> (...) uint64 array."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def keys(seed, epoch, index, stream):
    """One 64-bit key a record: index, an int or an array of any shape -> uint64 array (..., 1), scalars as (1,).

    stream is a word for what the numbers are used for ("geometry", "photometry"): streams are independent.
    """
    key = np.zeros(1, np.uint64)
    for part in (zlib.crc32(stream.encode()), seed, epoch, np.asarray(index, np.int64)[..., None]):
        key = mix((key ^ np.asarray(part, np.int64).astype(np.uint64)) + GOLDEN)
    return key


def uniforms(seed, epoch, index, stream, n):
    """n numbers a record, uniform in [0, 1): an int index -> (n,) float64, an array (B,) of them -> (B, n) float64."""
    counter = np.arange(1, n + 1, dtype=np.uint64) * GOLDEN
    return (mix(keys(seed, epoch, index, stream) + counter) >> np.uint64(11)) * 2.0 ** -53
