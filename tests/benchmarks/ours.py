"""faceparse's side of the rows of peers.py: the package's functions with their defaults."""
import contextlib
import itertools
import os
import queue
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import peer_inference
import peer_metrics
import peer_pipnet
import torch

from faceparse import labels, losses, metrics, models, recipes
from faceparse.data.augment import normalise
from faceparse.data.loading import Faces, grouped, shuffled
from faceparse.data.parsing import load
from faceparse.inference import checkpoint
from faceparse.models import checkpoints
from faceparse.models.pipnet import decode
from faceparse.training import loop
from faceparse.training.devices import Machine
from faceparse.training.optimization import Optimization
from faceparse.training.options import RunOptions
from faceparse.training.parser_training import ParserTraining
from faceparse.training.run import train as train_run


def epoch(root, arch="mobilenetv2", encoder=None, limit=None, amp="auto", device="cpu", recipe="baker2023"):
    """-> a function that trains one epoch as train.py does and returns its line of the log. The training runs in a
    thread and waits after each epoch. Epoch 1 reads the files, later ones find them in the cache."""
    go, done, write_log = queue.Queue(), queue.Queue(), loop.write_log

    def write_log_and_wait(history, folder):  # called at the end of an epoch
        write_log(history, folder)
        done.put(history[-1])
        go.get()

    def train():
        go.get()
        try:
            options = {"encoder": encoder, "labels": "lapa", "align": "none", "encoder_weights": "none", "limit": limit,
                       "recipe": recipe}
            with tempfile.TemporaryDirectory() as folder:
                with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
                    train_run(ParserTraining(arch, "celebamask", options, root),
                              RunOptions(runs=Path(folder), amp=amp, device=device))
        except Exception as error:
            done.put(error)

    loop.write_log = write_log_and_wait
    threading.Thread(target=train, daemon=True).start()

    def turn():
        go.put(None)
        line = done.get()
        if isinstance(line, Exception):
            raise line
        return line
    return turn


def data(root, limit, size=128, batch=24, cache=False, device="cpu", workers=2):
    """-> a function that makes all batches of `limit` faces; with `cache` the decoded faces are kept, from the first
    turn on, which is not counted."""
    faces = load("celebamask", "train", root)
    recipe = recipes.recipe("baker2023")
    faces = Faces(faces.records[:limit], labels.label_set("lapa"), size, "none", recipe.jitter,
                  cache_bytes=4 << 30 if cache else 0)

    settings = Optimization(1, batch, 0.0, "sgd", photometry=recipe.photometry)
    reader = loop.training_reader(faces, settings, Machine(torch.device(device), False, workers))
    epochs = itertools.count(1)

    def turn():
        start, count, epoch = time.perf_counter(), 0, next(epochs)
        for inputs in reader.batches(grouped(shuffled(len(faces), 0, epoch), batch), epoch):
            images = inputs["image"].to(device, non_blocking=True)
            count += len(normalise(images, recipes.IMAGENET_MEAN, recipes.IMAGENET_STD))
        if device != "cpu":
            torch.cuda.synchronize()
        return {"seconds": time.perf_counter() - start, "faces": count}
    return turn


def parser(arch, encoder, weights, size, device, amp):
    """A Parser with the peer's weights, loaded from a checkpoint as train.py writes it."""
    model = models.build(arch, encoder, 11)
    models.initialise(model, peer_inference.network(arch, encoder, weights).state_dict())
    about = {"format": checkpoints.FORMAT, "kind": "parser", "arch": arch, "encoder": encoder, "size": size,
             "align": "none", "labels": labels.label_set_to_dict(labels.label_set("lapa")),
             "activation": losses.activation("sigmoid"),
             "mean": recipes.IMAGENET_MEAN, "std": recipes.IMAGENET_STD, "weights": model.state_dict()}
    with tempfile.TemporaryDirectory() as folder:
        torch.save(about, Path(folder) / "best.pt")
        return checkpoint.load(folder, device, amp)


def infer(root, arch, encoder, batch, size, weights=None, device="cpu", repeats=1, amp="off"):
    network, images = parser(arch, encoder, weights, size, device, amp), peer_inference.crops(root, batch, size)

    def turn():
        start = time.perf_counter()
        for _ in range(repeats):
            logits = network.logits(images)
        if device != "cpu":
            torch.cuda.synchronize()
        return {"seconds": (time.perf_counter() - start) / repeats, "logits": logits[:2].cpu().numpy()}
    return turn


def pipnet(batch, device="cpu", repeats=200):
    outputs, neighbors = peer_pipnet.maps(batch)
    outputs, neighbors = {name: values.to(device) for name, values in outputs.items()}, neighbors.to(device)

    def turn():
        start = time.perf_counter()
        with torch.inference_mode():
            for _ in range(repeats):
                points = decode(outputs, neighbors).cpu()
        return {"seconds": (time.perf_counter() - start) / repeats / batch, "points": points.numpy()}
    return turn


def score(root, count, device="cpu"):
    truth, prediction = (values.to(device) for values in peer_metrics.masks(root, count))

    def turn():
        start = time.perf_counter()
        matrix = sum(metrics.confusion(t, p, peer_metrics.CLASSES) for t, p in zip(truth, prediction))
        f1 = metrics.scores(matrix).f1
        return {"seconds": (time.perf_counter() - start) / count, "f1": np.asarray(f1)}
    return turn
