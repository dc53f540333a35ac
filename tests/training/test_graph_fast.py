"""Training steps as CUDA graphs: the weights are those of training without one.

On a CPU stand-ins take the place of PyTorch's streams and graphs. They show that the batches, gradients and outputs of
replays are the right ones, to the bit. The tests on a GPU show that PyTorch records the networks and losses.
"""
import contextlib
import json
from types import SimpleNamespace

import pytest
import torch
from small_runs import same_weights, train_landmarker, train_parser, weights

from faceparse.errors import FaceparseError
from faceparse.training import distributed, loop, tasks
from faceparse.training.devices import Machine
from faceparse.training.graph_fast import GraphedStep, graphed_step
from faceparse.training.optimization import Optimization

# Two steps of four faces and one of three an epoch: steps 1, 2 and 4 warm up, 5 is recorded; 5, 7 and 8 are replayed.
ODD = {"limit": 11, "batch": 4, "epochs": 3}


def losses(folder):
    return [json.loads(line)["loss"] for line in (folder / "log.jsonl").read_text().splitlines()]


class StandIn:
    """A graph on the CPU: what is computed while it is recorded is undone, and a replay computes it again."""

    def __init__(self, step):
        self.step = step

    @contextlib.contextmanager
    def recording(self):
        buffers, random = [buffer.clone() for buffer in self.step.model.buffers()], torch.get_rng_state()
        yield
        for buffer, before in zip(self.step.model.buffers(), buffers):
            buffer.copy_(before)
        torch.set_rng_state(random)
        for parameter in self.step.parameters:
            if parameter.grad is not None:
                parameter.grad.fill_(torch.nan)

    def replay(self):
        step = self.step
        step.set_gradients([None] * len(step.parameters))
        loss, outputs = step.compute(step.inputs, step.targets)
        step.loss.copy_(loss)
        for key, value in outputs.items():
            step.outputs[key].copy_(value)
        for fixed, parameter in zip(step.gradients, step.parameters):
            assert (fixed is None) == (parameter.grad is None)
            if fixed is not None:
                fixed.copy_(parameter.grad)


def counted_replays(monkeypatch):
    """The list of the numbers of faces of the steps that are replayed from now on."""
    replayed, replay = [], GraphedStep.replay

    def counting(step, inputs, targets):
        replayed.append(len(inputs))
        return replay(step, inputs, targets)

    monkeypatch.setattr(GraphedStep, "replay", counting)
    return replayed


@pytest.fixture
def on_a_cpu(monkeypatch):
    """Make trainings on a CPU use GraphedStep, with StandIn. Returns the list of the steps that were replayed."""
    stream, replayed = SimpleNamespace(wait_stream=lambda other: None), counted_replays(monkeypatch)

    def graphed(model, task, settings, machine, size):
        step = GraphedStep(model, task, machine, settings.batch)
        monkeypatch.setattr(torch.cuda, "CUDAGraph", lambda: StandIn(step))
        return step

    for name, stand_in in {"Stream": lambda device: stream, "current_stream": lambda: stream,
                           "stream": lambda stream: contextlib.nullcontext(), "set_stream": lambda stream: None,
                           "device": lambda device: contextlib.nullcontext(),
                           "get_rng_state": lambda device: torch.get_rng_state(),
                           "set_rng_state": lambda state, device: torch.set_rng_state(state),
                           "default_generators": {None: SimpleNamespace(graphsafe_set_state=lambda state: None)},
                           "graph": lambda graph, stream, capture_error_mode: graph.recording()}.items():
        monkeypatch.setattr(torch.cuda, name, stand_in)
    monkeypatch.setattr(loop, "graphed_step", graphed)
    return replayed


@pytest.fixture
def on_a_gpu(monkeypatch):
    """The list of the numbers of faces of the steps that are replayed."""
    return counted_replays(monkeypatch)


def test_graphs_are_for_small_batches_of_one_process_on_a_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "Stream", lambda device: None)

    def applies(device="cuda", batch=24, size=128, accumulate=1):
        settings = Optimization(epochs=1, batch=batch, lr=0.1, optimizer="sgd", accumulate=accumulate)
        model = torch.nn.Conv2d(3, 2, 1)
        return graphed_step(model, None, settings, Machine(torch.device(device), False, 0), size) is not None

    assert applies() and applies(size=256)
    assert not (applies("cpu") or applies("mps") or applies(batch=8, size=512) or applies(accumulate=2))
    monkeypatch.setattr(distributed, "started", lambda: True)
    assert not applies()


@pytest.mark.parametrize("train, arch, options", [
    (train_parser, "mobilenetv2", {}),
    (train_parser, "fastscnn", {"loss": "ce+lovasz", "class_weights": "baker2023"}),  # auxiliary heads
    (train_parser, "fpn", {"encoder": "resnet18", "loss": "sigmoid"}),                # dropout
    (train_landmarker, "pipnet", {"without_face": 0.4}),
    (train_landmarker, "regressor_frozen", {})])
def test_replayed_steps_give_the_same_weights(tmp_path, request, train, arch, options):
    plain = train(tmp_path / "plain", {**ODD, **options}, arch)
    replayed = request.getfixturevalue("on_a_cpu")
    graphed = train(tmp_path / "graphed", {**ODD, **options}, arch)
    assert replayed and set(replayed) == {4}
    assert same_weights(weights(graphed), weights(plain)) and losses(graphed) == losses(plain)


def test_a_recording_that_fails_prints_a_line_and_the_training_goes_on(tmp_path, monkeypatch, capsys, request):
    plain = train_parser(tmp_path / "plain", ODD)
    replayed = request.getfixturevalue("on_a_cpu")

    def failing(graph, **options):
        raise RuntimeError("CUDA error: no recording\nmore lines")

    monkeypatch.setattr(torch.cuda, "graph", failing)
    graphed = train_parser(tmp_path / "graphed", ODD)
    lines = [line for line in capsys.readouterr().out.splitlines() if "CUDA" in line]
    assert lines == ["training steps are computed without a CUDA graph: CUDA error: no recording"]
    assert not replayed and same_weights(weights(graphed), weights(plain))


def stop_after_two_epochs(history, folder):
    if len(history) == 2:
        raise FaceparseError("stop")


def test_an_interrupted_training_resumes(tmp_path, monkeypatch, on_a_cpu):
    uninterrupted = train_parser(tmp_path / "uninterrupted", ODD)
    with monkeypatch.context() as patch:
        patch.setattr(loop, "write_log", stop_after_two_epochs)
        with pytest.raises(FaceparseError, match="stop"):
            train_parser(tmp_path / "resumed", ODD)
    resumed = train_parser(tmp_path / "resumed", ODD, resume=True)
    assert on_a_cpu and same_weights(weights(resumed), weights(uninterrupted))


# The `distance` of loss, outputs, gradients and buffers from those of the same step by other kernels, at most. On a CPU
# it is 8e-7, 6e-5, 0.04 and 1e-6 with and without oneDNN's convolutions; 0.6 to 2 between two batches' gradients.
MOST = (1e-4, 1e-3, 0.15, 1e-4)


def distance(ones, others):
    """The norm of the difference of two lists of tensors / the norm of the second one."""
    one, other = (torch.cat([tensor.detach().double().flatten() for tensor in tensors]) for tensors in (ones, others))
    return ((one - other).norm() / other.norm()).item()


def results(step, compute, inputs, targets):
    """What a step gives: [loss], the outputs, the gradients and the model's buffers, lists of tensors each."""
    step.set_gradients([None] * len(step.parameters))
    loss, outputs = compute(inputs, targets)
    gradients = [parameter.grad for parameter in step.parameters if parameter.grad is not None]
    return [[tensor.clone() for tensor in tensors]
            for tensors in ([loss], outputs.values(), gradients, step.model.buffers())]


@pytest.fixture
def compared(monkeypatch):
    """Compare each step that is replayed with the same one, computed kernel by kernel from the same weights. Returns
    the list of the numbers of their faces.

    Single steps, since whole trainings drift apart: some of a GPU's kernels add in any order, and batch norm over a
    small batch's few values enlarges the rounding. After nine such steps weights can differ in their first digit.
    """
    replayed, replay = [], GraphedStep.replay

    def comparing(step, inputs, targets):
        replayed.append(len(inputs))
        device, buffers = step.machine.device, [buffer.clone() for buffer in step.model.buffers()]
        random = torch.cuda.get_rng_state(device)
        expected = results(step, step.one_by_one, inputs, targets)
        for buffer, before in zip(step.model.buffers(), buffers):
            buffer.copy_(before)
        torch.cuda.set_rng_state(random, device)
        found = results(step, lambda *batch: replay(step, *batch), inputs, targets)
        for one, other, most in zip(found, expected, MOST):
            assert len(one) == len(other) and (not one or distance(one, other) < most)
        return step.loss, step.outputs

    monkeypatch.setattr(GraphedStep, "replay", comparing)
    return replayed


def test_a_replay_of_the_batch_before_is_noticed(tmp_path, on_a_cpu, compared, monkeypatch):
    """The comparison that the tests on a GPU rely on, with stand-ins on a CPU."""
    train_parser(tmp_path / "right", ODD, "fpn")
    assert compared == [4, 4, 4]
    monkeypatch.setattr(GraphedStep, "load", lambda step, inputs, targets: None)
    with pytest.raises(AssertionError):
        train_parser(tmp_path / "wrong", ODD, "fpn")


# Plain gradient descent: the steps of AdamW depend on the signs of gradients near zero, which rounding decides.
ON_A_GPU = {**ODD, "optimizer": "sgd", "lr": 0.001, "size": 64}


@pytest.mark.gpu
@pytest.mark.parametrize("train, arch, options", [
    (train_parser, "mobilenetv2", {"loss": "ce+lovasz+dice"}),
    (train_parser, "mobilenetv2", {"loss": "sigmoid", "class_weights": "baker2023"}),
    (train_parser, "fastscnn", {"loss": "ce+focal", "class_weights": "baker2023"}),
    (train_parser, "fpn", {"encoder": "resnet18"}),                                   # dropout
    (train_parser, "segformer", {"encoder": "mit_b0"}),                               # dropout, stochastic depth
    (train_parser, "bass", {"encoder": "resnet18"}),
    (train_landmarker, "pipnet", {"without_face": 0.4}),
    (train_landmarker, "regressor", {"encoder": "mobilenet_v3_large"}),
    (train_landmarker, "hourglass1", {"without_face": 0.4})])
def test_a_replay_on_a_gpu_gives_the_gradients_of_the_kernels_one_by_one(tmp_path, compared, train, arch, options):
    train(tmp_path, {**ON_A_GPU, **options}, arch, device="cuda", amp="off")
    assert compared and set(compared) == {4}


@pytest.mark.gpu
def test_a_gpu_computes_in_bfloat16_in_a_graph(tmp_path, on_a_gpu):
    graphed = train_parser(tmp_path, {**ODD, "size": 64, "epochs": 20}, device="cuda", amp="on")
    assert len(on_a_gpu) == 37 and losses(graphed)[-1] < losses(graphed)[0]


def train_smooth(runs, **options):
    """Train a network on a GPU that has dropout, but no batch norm over a few values, which enlarges rounding."""
    return train_parser(runs, {**ON_A_GPU, "encoder": "mit_b0"}, "segformer", device="cuda", amp="off", **options)


def assert_close(one, two):
    """Weights and losses of two runs are equal but for the order in which a GPU adds."""
    torch.testing.assert_close(losses(one), losses(two), rtol=1e-3, atol=1e-5)
    torch.testing.assert_close(weights(one), weights(two), rtol=1e-3, atol=1e-4)


@pytest.mark.gpu
def test_a_gpu_resumes_a_training(tmp_path, monkeypatch, on_a_gpu):
    uninterrupted = train_smooth(tmp_path / "uninterrupted")
    with monkeypatch.context() as patch:
        patch.setattr(loop, "write_log", stop_after_two_epochs)
        with pytest.raises(FaceparseError, match="stop"):
            train_smooth(tmp_path / "resumed")
    resumed = train_smooth(tmp_path / "resumed", resume=True)
    assert on_a_gpu
    assert_close(resumed, uninterrupted)


@pytest.mark.gpu
def test_a_loss_that_a_gpu_cannot_record_is_computed_without_a_graph(tmp_path, monkeypatch, on_a_gpu, capsys):
    """With dropout, whose generator a failed recording leaves in a state in which it draws nothing."""
    loss = tasks.Parsing.loss

    def waiting(self, outputs, batch):
        value = loss(self, outputs, batch)
        assert value.item() >= 0
        return value

    monkeypatch.setattr(tasks.Parsing, "loss", waiting)
    with monkeypatch.context() as patch:
        patch.setattr(loop, "graphed_step", lambda *arguments: None)
        plain = train_smooth(tmp_path / "plain")
    assert "CUDA graph" not in capsys.readouterr().out
    graphed = train_smooth(tmp_path / "graphed")
    assert capsys.readouterr().out.count("without a CUDA graph") == 1 and not on_a_gpu
    assert_close(graphed, plain)
