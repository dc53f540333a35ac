"""Two controls of label adaptation: the training of adapt.py, with its options, with one change.

    python tests/benchmarks/adapter_controls.py shuffled --model RUN --data celebamask --name shuffled
    python tests/benchmarks/adapter_controls.py truth --model RUN --name truth

shuffled  each prediction is paired with the ground truth of another face of its batch: such an adapter can learn the
          average face but not how to correct a prediction, and must not gain (score it with evaluate.py)
truth     the ground truth is the adapter's input: the adapter must return it (its val F1 is printed)
"""
import importlib.util
import sys
from pathlib import Path

import torch
import torch.nn.functional as F

from faceparse.adaptation import training
from faceparse.errors import FaceparseError


class Shuffled(training.Adapting):
    """Only training pairs are shuffled; val (epoch None) is scored as usual."""

    def feed(self, batch, epoch=None):
        inputs, batch = super().feed(batch, epoch)
        return inputs, batch if epoch is None else {**batch, "mask": batch["mask"].roll(1, 0)}


class Truth(training.Adapting):
    """The parser is not run; the adapter's label set must be the parser's."""

    def feed(self, batch, epoch=None):
        classes = len(self.labels)
        mask = batch["mask"].long().clamp(max=classes)  # 255, ignored, becomes a class of its own, which is dropped
        inputs = F.one_hot(mask, classes + 1)[..., :classes].permute(0, 3, 1, 2).float()  # (B, C, S, S)
        return inputs.contiguous(memory_format=torch.channels_last), batch


CONTROLS = {"shuffled": Shuffled, "truth": Truth}

if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] not in CONTROLS:
        sys.exit(__doc__)
    training.Adapting = CONTROLS[sys.argv.pop(1)]
    spec = importlib.util.spec_from_file_location("adapt", Path(__file__).parents[2] / "adapt.py")
    adapt = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(adapt)
    try:
        sys.exit(adapt.main(adapt.get_args_parser().parse_args()))
    except FaceparseError as error:
        sys.exit(f"adapter_controls.py: {error}")
