"""The peer of inference: segmentation_models_pytorch's networks in eval mode under inference_mode, float32.

    pip install -e '.[bench]'
    python tests/benchmarks/peer_inference.py --arch unet --encoder mobilenet_v2 --batch 32 --size 128

From crops of 0..255 to logits, with PyTorch's default memory format and threads. Nothing here imports faceparse.
"""
import argparse
import time
from pathlib import Path

import numpy as np
import segmentation_models_pytorch as smp
import torch
import turns
from PIL import Image

ARCHITECTURES = {"unet": smp.Unet, "fpn": smp.FPN, "deeplabv3plus": smp.DeepLabV3Plus}
MEAN, STD = torch.tensor([0.485, 0.456, 0.406])[:, None, None], torch.tensor([0.229, 0.224, 0.225])[:, None, None]


def network(arch, encoder, weights=None, classes=11):
    """The network with the weights of a file, or with random weights and batch norm statistics of noise."""
    torch.manual_seed(0)
    model = ARCHITECTURES[arch](encoder, encoder_weights=None, classes=classes)
    if weights:
        model.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
    else:
        with torch.no_grad():
            for _ in range(10):
                model(torch.randn(4, 3, 128, 128))
    return model.eval()


def crops(root, batch, size):
    """(batch, 3, size, size) uint8: the first faces of CelebAMask-HQ's val folder, repeated after the last."""
    files = sorted((Path(root) / "celebamask" / "val" / "images").glob("*.jpg"))
    faces = [np.array(Image.open(files[i % len(files)]).resize((size, size))) for i in range(batch)]
    return torch.from_numpy(np.stack(faces).transpose(0, 3, 1, 2).copy())


def prepare(root, arch, encoder, batch, size, weights=None, device="cpu", repeats=1):
    """-> a function that runs the batch `repeats` times and returns {"seconds" of one, "logits" of two crops}."""
    model = network(arch, encoder, weights).to(device)
    images, mean, std = crops(root, batch, size), MEAN.to(device), STD.to(device)

    def turn():
        with torch.inference_mode():
            start = time.perf_counter()
            for _ in range(repeats):
                logits = model((images.to(device).float() / 255 - mean) / std)
            if device != "cpu":
                torch.cuda.synchronize()
            seconds = (time.perf_counter() - start) / repeats
        return {"seconds": seconds, "logits": logits[:2].cpu().numpy()}
    return turn


if __name__ == "__main__":
    parser = turns.options(argparse.ArgumentParser(description=__doc__.splitlines()[0]))
    parser.add_argument("--arch", choices=ARCHITECTURES, default="unet")
    parser.add_argument("--encoder", default="mobilenet_v2")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--weights")
    args = parser.parse_args()
    turn = prepare(args.root, args.arch, args.encoder, args.batch, args.size, args.weights, args.device)
    turn()
    print(f"{1000 * turn()['seconds']:.1f} ms")
