"""The common base of trained parsers, label adapters and landmark networks."""
from functools import cached_property

import torch

from faceparse.inference.fused import fused
from faceparse.models.checkpoints import fingerprint


class TrainedNetwork:
    """A trained network, ready to run.

    model     the nn.Module; it is moved to `device` and put into evaluation mode
    about     everything in its checkpoint but the weights: architecture, size, labels or points, normalisation, ...
    path      the checkpoint, or its run folder, as the user named it
    bfloat16  whether to run in bfloat16 instead of float32
    """

    def __init__(self, model, about, path, device, bfloat16=False):
        self.model = model.to(device, memory_format=torch.channels_last).eval()
        self.about, self.path, self.device, self.bfloat16 = about, path, device, bfloat16

    @cached_property
    def fingerprint(self):
        """A hash of the weights, by which a label adapter recognises the parsers that it was trained for."""
        return fingerprint(self.model.state_dict())

    @property
    def identity(self):
        """What its predictions depend on, apart from the picture: plain values."""
        return self.fingerprint, self.bfloat16

    @cached_property
    def fused_model(self):
        """The equivalent, faster model that `run` uses; built at its first use."""
        return fused(self.model, self.bfloat16)

    def run(self, inputs):
        """inputs (B, C, S, S), on the device -> the model's dict of outputs."""
        with torch.inference_mode(), torch.autocast(self.device.type, torch.bfloat16, enabled=self.bfloat16):
            return self.fused_model(inputs.contiguous(memory_format=torch.channels_last))
