"""Training steps with and without a CUDA graph (faceparse/training/graph_fast.py), on batches of random numbers.

    python tests/benchmarks/graph_speed.py --device cuda              within a minute on an H100
    python tests/benchmarks/graph_speed.py --device cuda --compile    with torch.compile too, which takes minutes
    python tests/benchmarks/graph_speed.py --device cpu               tiny; shows only that the script works

A step is the normalisation of a batch that is on the device, the forward pass, the loss, backward(), the optimizer's
step, and waiting for the loss; reading and photometry are not in it. Printed are milliseconds a step (the median of
five turns), steps a second, the share of this time in which the GPU computes, and the largest memory. The GPU's time is
the sum of its kernels under PyTorch's profiler, in steps of their own.
"""
import argparse
import statistics
import time

import torch
import turns
from torch.profiler import profile

from faceparse import labels, models, recipes
from faceparse.training import devices, graph_fast, optimization, tasks

CASES = {  # name: (architecture, encoder, landmarks or None for a parser, faces of a batch, side)
    "MobileNetV2 UNet": ("unet", "mobilenet_v2", None, 24, 128),
    "ResNet-101 UNet": ("unet", "resnet101", None, 24, 128),
    "PIPNet over MobileNetV2": ("pipnet", "mobilenet_v2", 106, 16, 192),
    "BiSeNetV2-XS": ("bisenetv2_xs", None, None, 8, 512)}
COMPILED = ("MobileNetV2 UNet", "ResNet-101 UNet")
WARM_UP, TURNS, STEPS, PROFILED = 8, 5, 20, 5  # steps before the first turn; turns, steps of each, and of the profile


def make(arch, encoder, points, batch, size, device):
    """-> (network, task, a batch of random numbers)."""
    faces = {"image": torch.rand(batch, 3, size, size, device=device) * 255, "index": torch.arange(batch)}
    statistics_of = recipes.IMAGENET_MEAN, recipes.IMAGENET_STD
    if points:
        model = models.build_landmarker(arch, encoder, points)
        model.set_mean_face(torch.rand(points, 2))
        faces["landmarks"] = torch.rand(batch, points, 2, device=device) * size
        task = tasks.Landmarking(model, None, *statistics_of, None)  # no landmark set: nothing is scored
    else:
        model = models.build(arch, encoder, 11)
        faces["mask"] = torch.randint(0, 11, (batch, size, size), device=device).to(torch.uint8)
        task = tasks.Parsing(model, labels.label_set("lapa"), "ce", *statistics_of)
    return model.to(device, memory_format=torch.channels_last).train(), task, faces


def make_step(network, task, optimizer, faces, machine, graphed):
    """-> a function that does one step and waits for it."""
    def step():
        optimizer.zero_grad()
        inputs, targets = task.feed(faces, 1)
        if graphed:
            loss, _ = graphed(inputs, targets)
        else:
            with torch.autocast(machine.device.type, torch.bfloat16, enabled=machine.bfloat16):
                outputs = network(inputs)
            loss = task.loss(outputs, targets)
            loss.backward()
        optimizer.step()
        return loss.item()
    return step


def measure(step, device, steps):
    """-> (milliseconds a step, milliseconds a step in which the GPU computes or None, bytes of GPU memory or None)."""
    on_gpu, times = device.type == "cuda", []
    if on_gpu:
        torch.cuda.reset_peak_memory_stats(device)
    for _ in range(WARM_UP):
        step()
    for _ in range(TURNS):
        start = time.perf_counter()
        for _ in range(steps):
            step()
        times.append(1000 * (time.perf_counter() - start) / steps)
    if not on_gpu:
        return statistics.median(times), None, None
    memory = torch.cuda.max_memory_reserved(device)
    with profile() as measured:
        for _ in range(PROFILED):
            step()
    kernels = sum(event.self_device_time_total for event in measured.key_averages()
                  if event.device_type == torch.autograd.DeviceType.CUDA and not event.is_user_annotation)
    return statistics.median(times), kernels / 1000 / PROFILED, memory


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="auto", type=turns.choose_device)
    parser.add_argument("--compile", action="store_true", help="measure torch.compile too, in its default mode")
    args = parser.parse_args()
    machine = devices.choose_machine(args.device)
    on_gpu = machine.device.type == "cuda"
    print(f"{torch.cuda.get_device_name(machine.device) if on_gpu else 'CPU, tiny'}, PyTorch {torch.__version__}, "
          f"{'bfloat16' if machine.bfloat16 else 'float32'}")
    for name, (arch, encoder, points, batch, size) in CASES.items():
        batch, size, steps = (batch, size, STEPS) if on_gpu else (2, 64, 1)
        print(f"{name}, {batch} x {size} x {size}", flush=True)
        for way in ("kernel by kernel", "CUDA graph", *["torch.compile"] * (args.compile and name in COMPILED)):
            torch.manual_seed(0)
            model, task, faces = make(arch, encoder, points, batch, size, machine.device)
            settings = optimization.Optimization(epochs=1, batch=batch, lr=0.001, optimizer="adamw")
            optimizer = optimization.make_optimizer(model, settings.optimizer, settings.lr, settings.weight_decay)
            graphed = None
            if way == "CUDA graph":
                graphed = graph_fast.graphed_step(model, task, settings, machine, size)
                if graphed is None:
                    reason = f"more than {graph_fast.MOST_PIXELS:,} pixels" if on_gpu else "not a GPU"
                    print(f"    {way:16}  not used: {reason}")
                    continue
            network = torch.compile(model) if way == "torch.compile" else model
            start = time.perf_counter()
            total, kernels, memory = measure(make_step(network, task, optimizer, faces, machine, graphed),
                                             machine.device, steps)
            line = f"    {way:16}  {total:7.2f} ms a step, {1000 / total:6.1f} steps a second"
            if on_gpu:
                line += f", the GPU computes for {kernels:.2f} ms ({100 * kernels / total:.0f} %)"
                line += f", {memory / 2**30:.2f} GiB"
            if graphed and graphed.graph is None:
                line += "; the recording failed"
            print(f"{line}; {time.perf_counter() - start:.0f} s in all", flush=True)
            del model, task, optimizer, graphed, network
            if on_gpu:
                torch.cuda.empty_cache()


if __name__ == "__main__":
    main()
