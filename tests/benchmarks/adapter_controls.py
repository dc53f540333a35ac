"""Two controls of label adaptation: adapt.py's own training with one thing changed. Its options follow.

    python tests/benchmarks/adapter_controls.py shuffled --model RUN --data celebamask --name shuffled
    python tests/benchmarks/adapter_controls.py truth --model RUN --name truth

shuffled  each prediction is paired with the labels of another face of its batch: such an adapter can learn what an
          average face looks like, not how to read this one, and must not gain (score it with evaluate.py)
truth     the true labels take the place of the prediction: the adapter must return them (its val F1 is printed)
"""
import importlib.util
import sys
from pathlib import Path

import torch
import torch.nn.functional as F

from faceparse.adaptation import training
from faceparse.errors import FaceparseError


class Shuffled(training.Adapting):
    def feed(self, batch, epoch=None):
        shown, batch = super().feed(batch, epoch)
        return shown, batch if epoch is None else {**batch, "mask": batch["mask"].roll(1, 0)}


class Truth(training.Adapting):
    """The parser is asked for nothing: the labels must be its own."""

    def feed(self, batch, epoch=None):
        classes = len(self.labels)
        mask = batch["mask"].long().clamp(max=classes)  # the ignored pixels are of no class
        shown = F.one_hot(mask, classes + 1)[..., :classes].permute(0, 3, 1, 2).float()
        return shown.contiguous(memory_format=torch.channels_last), batch


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
