"""Training steps as CUDA graphs, for small networks on a fast GPU: the same weights, in less time.

A step starts some hundred kernels in the forward pass and twice as many in backward(). Where each has little to
compute, the GPU finishes them faster than Python can start them. A CUDA graph records the kernels of one step, and a
replay starts them all at once: https://docs.pytorch.org/docs/stable/notes/cuda.html#cuda-graphs

A replay reads and writes the memory of the step that was recorded. So the batch is copied into fixed tensors before
it, and the loss, the outputs and the gradients are in fixed tensors after it. Dropout draws from the generator's state
at the time of the replay, so that loop.seed_dropout has the effect that it has without a graph.
"""
import torch

from faceparse.training import distributed

# Pixels of a batch. In larger ones the kernels take longer to run than to start, and a graph keeps the memory of a step
# for itself.
MOST_PIXELS = 24 * 256 * 256
WARM_UP = 3  # steps before the recording, in which PyTorch's libraries allocate memory and choose algorithms


def graphed_step(model, task, settings, machine, size):
    """A GraphedStep for a training where CUDA graphs apply, else None: on a GPU, with one process, with batches
    computed in one part, and of at most MOST_PIXELS.

    settings  optimization.Optimization;  machine  devices.Machine;  size  side of the pictures in pixels
    """
    applies = (machine.device.type == "cuda" and not distributed.started() and settings.accumulate == 1
               and settings.batch * size**2 <= MOST_PIXELS)
    return GraphedStep(model, task, machine, settings.batch) if applies else None


class GraphedStep:
    """The forward pass, the loss and backward() of loop.train_one_epoch: step(inputs, targets) -> (loss, outputs), and
    the gradients in `p.grad`, which the caller has set to None.

    inputs, targets  what task.feed returned
    loss, outputs    a scalar and the tensors of the network's dict, both detached; the next step may overwrite them

    batch  number of faces of the steps to replay. The first WARM_UP of them, and all of another number, such as an
           epoch's last, are computed kernel by kernel, and so are all steps where the recording fails

    Steps outside the graph run on the stream of the recording, as PyTorch asks for: in backward() each parameter's
    gradient is added on the stream on which the parameter was first used, as long as any autograd graph remains.
    """

    def __init__(self, model, task, machine, batch):
        self.model, self.task, self.machine, self.batch = model, task, machine, batch
        self.parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
        self.stream = torch.cuda.Stream(machine.device)
        self.graph, self.to_warm_up = None, WARM_UP

    def __call__(self, inputs, targets):
        targets = {key: value for key, value in targets.items() if key not in ("image", "index", "homography")}
        with torch.cuda.device(self.machine.device):
            if self.graph is None and len(inputs) == self.batch:
                if self.to_warm_up:
                    self.to_warm_up -= 1
                else:
                    self.record(inputs, targets)
            if self.graph is None or len(inputs) != self.batch:
                return self.one_by_one(inputs, targets)
            return self.replay(inputs, targets)

    def compute(self, inputs, targets):
        """The step as loop.train_one_epoch has it. Returns (loss, outputs)."""
        with torch.autocast(self.machine.device.type, torch.bfloat16, enabled=self.machine.bfloat16):
            outputs = self.model(inputs)
        loss = self.task.loss(outputs, targets)
        loss.backward()
        return loss.detach(), {key: value.detach() for key, value in outputs.items() if torch.is_tensor(value)}

    def one_by_one(self, inputs, targets):
        """`compute` on the stream of the recording, kernel by kernel."""
        self.stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self.stream):
            result = self.compute(inputs, targets)
        torch.cuda.current_stream().wait_stream(self.stream)
        return result

    def record(self, inputs, targets):
        """Record `compute` without computing anything. Where this fails, print a line and record no more."""
        device = self.machine.device
        self.inputs, self.targets = inputs.clone(), {key: value.clone() for key, value in targets.items()}
        graph, stream, random = torch.cuda.CUDAGraph(), torch.cuda.current_stream(), torch.cuda.get_rng_state(device)
        self.set_gradients([None] * len(self.parameters))  # so that backward() makes new ones, in the graph's memory
        try:
            # "thread_local": the threads that read the next batches may call CUDA meanwhile
            with torch.cuda.graph(graph, stream=self.stream, capture_error_mode="thread_local"):
                self.loss, self.outputs = self.compute(self.inputs, self.targets)
        except RuntimeError as error:
            reason = str(error.__context__ or error).partition("\n")[0]
            print(f"training steps are computed without a CUDA graph: {reason}", flush=True)
            # the recording has ended, but PyTorch has left its stream current, and its generator in a state of
            # recording in which it draws no numbers outside a graph
            torch.cuda.set_stream(stream)
            torch.cuda.default_generators[device.index].graphsafe_set_state(torch.Generator(device))
            torch.cuda.set_rng_state(random, device)
            self.set_gradients([None] * len(self.parameters))
            self.batch = self.inputs = self.targets = None
        else:
            self.graph, self.gradients = graph, [parameter.grad for parameter in self.parameters]

    def replay(self, inputs, targets):
        """The recorded step, of another batch."""
        self.load(inputs, targets)
        self.graph.replay()
        self.set_gradients(self.gradients)  # steps outside the graph have gradients of their own
        return self.loss, self.outputs

    def load(self, inputs, targets):
        """Copy a batch into the tensors that the graph reads."""
        self.inputs.copy_(inputs)
        for key, value in targets.items():
            self.targets[key].copy_(value)

    def set_gradients(self, gradients):
        for parameter, gradient in zip(self.parameters, gradients):
            parameter.grad = gradient
