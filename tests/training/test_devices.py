"""The device that computes, and its precision."""
import torch

from faceparse.training import devices


def test_amp_off_is_float32_and_amp_on_is_bfloat16():
    assert not devices.mixed_precision(torch.device("cpu"), "off")
    assert devices.mixed_precision(torch.device("cpu"), "on")
