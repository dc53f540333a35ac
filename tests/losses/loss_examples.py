"""Inputs that the tests of the losses share."""
import torch
import torch.nn.functional as F


def example(classes=5, scale=4.0, dtype=torch.float32):
    torch.manual_seed(0)
    logits = torch.randn(3, classes, 7, 9, dtype=dtype) * scale
    target = torch.randint(0, classes, (3, 7, 9), dtype=torch.uint8)
    target[torch.rand(3, 7, 9) < 0.2] = 255
    return logits, target, torch.rand(classes) + 0.1


def gradient(loss, logits, *args):
    logits = logits.detach().clone().requires_grad_()
    value = loss(logits, *args)
    value.backward()
    return value.detach(), logits.grad


def by_hand():
    """Four pixels of two classes; class 1 has probability 0.6, 0.7, 0.1, and the last pixel is ignored."""
    p = torch.tensor([0.6, 0.7, 0.1, 0.99])
    return torch.stack([1 - p, p]).log()[None, :, None], torch.tensor([[[1, 0, 0, 255]]], dtype=torch.uint8)


def larger_example(scale):
    """Predictions that are often correct, of a label map with an absent class and ignored pixels."""
    torch.manual_seed(0)
    logits = scale * torch.randn(2, 6, 40, 50)
    target = logits.argmax(1).where(torch.rand(2, 40, 50) < 0.5, torch.randint(0, 5, (2, 40, 50)))
    target[target == 2] = 1
    target[torch.rand(2, 40, 50) < 0.2] = 255
    return logits, target


def hard_prediction():
    """Saturated logits, correct at about half of the pixels; the target; the predicted classes."""
    logits, target, _ = example()
    predicted = logits.argmax(1).where(torch.rand(target.shape) < 0.5, target.long().clamp(max=4))
    return 200 * F.one_hot(predicted, 5).permute(0, 3, 1, 2).float(), target, predicted
