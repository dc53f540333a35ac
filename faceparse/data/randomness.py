"""Random numbers that are a function of (seed, epoch, record index): there is no generator, and no state to save.

A draw is therefore the same for any number of workers and any batching, and a run resumed from an epoch's checkpoint
continues bit by bit. The function is splitmix64 (Steele, Lea and Flood 2014, "Fast splittable pseudorandom number
generators"): a counter that advances by the golden ratio, then a mixing function.
"""
import zlib

import numpy as np

GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # 2^64 / golden ratio, odd: splitmix64's step
ONES = 2**64 - 1                        # unsigned arithmetic of 64 bits is Python's, with & ONES


def mix(x):
    """splitmix64's mixing function, a bijection of 64-bit integers: (...) uint64 array -> (...) uint64 array."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def mix_one(x):
    """`mix` of one int below 2^64."""
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9 & ONES
    x = (x ^ x >> 27) * 0x94D049BB133111EB & ONES
    return x ^ x >> 31


def keys(seed, epoch, index, stream):
    """A 64-bit key for each record index, an int or an array of shape (...): uint64 array (1,) or (..., 1).

    stream  name of the use of the numbers, such as "geometry" or "photometry": the streams are independent
    """
    if isinstance(index, (int, np.integer)):  # Python's own numbers are several times as fast as arrays of one
        key = 0
        for part in (zlib.crc32(stream.encode()), seed, epoch, index):
            key = mix_one((key ^ int(part) & ONES) + int(GOLDEN) & ONES)
        return np.array([key], np.uint64)
    key = np.zeros(1, np.uint64)
    for part in (zlib.crc32(stream.encode()), seed, epoch, np.asarray(index, np.int64)[..., None]):
        key = mix((key ^ np.asarray(part, np.int64).astype(np.uint64)) + GOLDEN)
    return key


def uniforms(seed, epoch, index, stream, n):
    """n numbers for each record index, uniform in [0, 1): an int -> (n,) float64, an array (B,) -> (B, n) float64."""
    counter = np.arange(1, n + 1, dtype=np.uint64) * GOLDEN
    return (mix(keys(seed, epoch, index, stream) + counter) >> np.uint64(11)) * 2.0 ** -53
