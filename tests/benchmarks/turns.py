"""Implementations timed fairly on a busy machine: each in a process of its own, alternately, several turns each.

A side is ("module:function", options). Its process imports the module and calls function(**options) once, which returns
a function; this is called at each of the side's turns and returns a dict with "seconds". While one side works the
others wait.
"""
import importlib
import multiprocessing
import os
import statistics
import sys
from pathlib import Path

import torch

TURNS = 5
# How loader processes start: as by default where a script is run by itself. A spawned side would spawn them too, which
# imports everything once more in each.
LOADER_START = "fork" if sys.platform == "linux" else None


def choose_device(name):
    """"auto" -> "cuda" where there is one, else "cpu"."""
    return name if name != "auto" else "cuda" if torch.cuda.is_available() else "cpu"


def loader_processes(device):
    """How many processes read for a peer in training: two beside a CPU that computes, else one a core."""
    return 2 if device == "cpu" else os.cpu_count()


def options(parser):
    """Add the options that every command here has."""
    parser.add_argument("--root", default=os.environ.get("FACEPARSE_DATA", "data"), help="folder of the data sets")
    parser.add_argument("--device", default="auto", type=choose_device)
    return parser


def _serve(pipe, function, options):
    sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[2])]
    module, _, name = function.partition(":")
    try:
        turn = getattr(importlib.import_module(module), name)(**options)
        while pipe.recv():
            pipe.send(turn())
    except (EOFError, KeyboardInterrupt):
        pass


def alternate(sides, turns=TURNS):
    """{name: ("module:function", options)} -> {name: [the dict of each turn]}; the first turn is not counted."""
    context = multiprocessing.get_context("spawn")  # fork would share threads and settings of the libraries
    pipes, processes, results = {}, [], {name: [] for name in sides}
    for name, (function, arguments) in sides.items():
        pipes[name], theirs = context.Pipe()
        processes.append(context.Process(target=_serve, args=(theirs, function, arguments)))
        processes[-1].start()
        theirs.close()  # so that a side that fails is an EOFError here
    try:
        for turn in range(turns + 1):
            for name, pipe in pipes.items():
                pipe.send(True)
                result = pipe.recv()
                if turn:
                    results[name].append(result)
    finally:
        for pipe in pipes.values():
            pipe.close()  # which ends its side
        for process in processes:
            process.join()
    return results


def spread(values, digits=2):
    """Median and range, as text."""
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def ratios(results, peer, ours, key="seconds"):
    """How many times as fast ours was, in each turn. results: of `alternate`"""
    return [theirs[key] / own[key] for theirs, own in zip(results[peer], results[ours])]


def print_ratio(what, results, peer, ours, at_least=None, unit=1000, note=""):
    """Print one line: both sides' seconds times `unit`, the ratios of the turns' pairs, whether their median misses
    the target `at_least`, and the load of the machine."""
    times = [spread([unit * turn["seconds"] for turn in results[name]]) for name in (peer, ours)]
    ratio = ratios(results, peer, ours)
    missed = at_least is not None and statistics.median(ratio) < at_least
    verdict = "" if at_least is None else f" of {at_least:g}{' MISSED' if missed else ''}"
    print(f"{what:44} {peer} {times[0]}, {ours} {times[1]}: {spread(ratio)} x{verdict}; load {os.getloadavg()[0]:.1f}"
          f"{note}", flush=True)
