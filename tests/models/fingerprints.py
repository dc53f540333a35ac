"""Networks of two implementations compared by one number a tensor: what the tests of zhou2025's networks share."""
import torch
from torch import nn


def filled(model):
    """The network with weights that depend on the shapes and the order of its tensors alone, for any implementation."""
    generator = torch.Generator().manual_seed(0)
    for name, value in model.double().state_dict().items():
        if value.ndim == 4:
            value.normal_(0, (2 / value[0].numel()) ** 0.5, generator=generator)
        elif name.endswith(("weight", "running_var")):
            value.uniform_(0.5, 1.5, generator=generator)
        elif value.ndim == 1:
            value.normal_(0, 0.1, generator=generator)
    return model


def fingerprint(tensor):
    """One number that depends on every element and its position."""
    return (tensor * torch.linspace(-1, 1, tensor.numel(), dtype=tensor.dtype).view_as(tensor)).sum()


def fingerprints(model, images):
    """Fingerprints of the logits, of auxiliary logits in training, and of the gradient with respect to the images."""
    for module in model.modules():
        if isinstance(module, nn.Dropout2d):
            module.eval()
    outputs = model(images.requires_grad_())
    values = [fingerprint(logits) for logits in (outputs["out"], *outputs.get("aux", ()))]
    sum(values).backward()
    return [value.item() for value in (*values, fingerprint(images.grad))]


def shapes(model, images, *names):
    """The output shapes of the named parts of a network: {name: shape}."""
    seen = {}
    for name in names:
        model.get_submodule(name).register_forward_hook(
            lambda module, inputs, result, name=name: seen.update({name: tuple(result.shape)}))
    model(images)
    return seen
