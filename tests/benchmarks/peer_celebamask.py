"""The peer of training: baker2023's recipe as in its notebooks, on public libraries, without faceparse.

segmentation_models_pytorch, albumentations with its defaults, OpenCV, channels_last. On a CPU float32 and two loader
processes; on a GPU bfloat16 autocast, a loader process a core and pinned memory. On CelebAMask-HQ's course layout,
labels merged to LaPa's 11 classes; scored on val at 128 x 128, one confusion matrix. --recipe scratch: faceparse's own
recipe for random initial weights, by the same libraries.

    python tests/benchmarks/peer_celebamask.py --root ROOT --epochs 30      needs pip install -e '.[bench]'
"""
import argparse
import json
import time
from pathlib import Path

import albumentations as A
import cv2
import numpy as np
import segmentation_models_pytorch as smp
import torch
import turns
from PIL import Image

# CelebAMask-HQ index -> LaPa index; l_ and r_ are the subject's sides, LaPa's are the image's.
TO_LAPA = np.full(256, 255, np.uint8)
for celeb, lapa in {0: 0, 1: 1, 2: 6, 4: 5, 5: 4, 6: 3, 7: 2, 8: 1, 9: 1, 10: 8, 11: 7, 12: 9, 13: 10, 14: 0, 15: 0,
                    16: 0, 17: 0, 18: 0}.items():  # 3, eyeglasses, stays 255
    TO_LAPA[celeb] = lapa
MIRRORED = np.arange(256, dtype=np.uint8)  # of LaPa's classes
MIRRORED[[2, 3, 4, 5]] = 3, 2, 5, 4
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
BAKER2023 = A.Compose([
    A.Rotate(limit=18, p=1),
    A.Perspective(p=0.5),
    A.GaussNoise(p=0.2),
    A.OneOf([A.CLAHE(), A.RandomBrightnessContrast(contrast_limit=0), A.RandomGamma()], p=0.9),
    A.OneOf([A.Sharpen(), A.Blur()], p=0.9),
    A.OneOf([A.RandomBrightnessContrast(brightness_limit=0), A.HueSaturationValue()], p=0.9),
])
SCRATCH = A.Compose([  # and mirrored pictures, in CelebAMask
    A.Affine(scale=(0.85, 1.2), translate_percent=(-0.06, 0.06), rotate=(-15, 15), fill_mask=255, p=1),
    A.GaussNoise(p=0.1),
    A.OneOf([A.RandomBrightnessContrast(contrast_limit=0), A.RandomGamma()], p=0.5),
    A.OneOf([A.RandomBrightnessContrast(brightness_limit=0), A.HueSaturationValue()], p=0.5),
])
EPOCHS = 30


class CelebAMask(torch.utils.data.Dataset):
    def __init__(self, folder, size, augment, limit=None):
        self.images = sorted((Path(folder) / "images").glob("*.jpg"))[:limit]
        self.masks = [Path(folder) / "masks" / f"{image.stem}.png" for image in self.images]
        self.size, self.augment = size, augment  # a recipe's transform, or None

    def __len__(self):
        return len(self.images)

    def decode(self, index):
        image = cv2.cvtColor(cv2.imread(str(self.images[index])), cv2.COLOR_BGR2RGB)
        mask = TO_LAPA[np.array(Image.open(self.masks[index]))]
        image = cv2.resize(image, (self.size, self.size), interpolation=cv2.INTER_LINEAR)
        return image, cv2.resize(mask, (self.size, self.size), interpolation=cv2.INTER_NEAREST)

    def __getitem__(self, index):
        both = dict(zip(("image", "mask"), self.decode(index)))
        if self.augment is SCRATCH and torch.rand(()) < 0.5:
            both = {"image": both["image"][:, ::-1].copy(), "mask": MIRRORED[both["mask"][:, ::-1]]}
        both = self.augment(**both) if self.augment else both
        image, mask = A.Normalize(MEAN, STD)(image=both["image"])["image"], both["mask"]
        return torch.from_numpy(image.transpose(2, 0, 1).copy()), torch.from_numpy(mask.astype(np.int64))


def class_weights(masks):
    counts = sum(np.bincount(TO_LAPA[np.array(Image.open(mask))].ravel(), minlength=256)[:11] for mask in masks)
    return torch.tensor(1 - counts / counts.sum(), dtype=torch.float32)


def sigmoid_cross_entropy(logits, target, weights):
    valid = (target != 255)[:, None]  # (B, 1, H, W)
    onehot = torch.nn.functional.one_hot(target.clamp(max=10), 11).permute(0, 3, 1, 2).float()
    loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, onehot, reduction="none")
    return (loss * weights[:, None, None] * valid).sum() / (valid.sum() * 11)


def one_thread(worker):
    """For a loader process: with one a core, OpenCV needs no threads beside it."""
    cv2.setNumThreads(0)


def f1(model, loader, device):
    model.eval()
    confusion = torch.zeros(11, 11, dtype=torch.int64)
    with torch.inference_mode():
        for image, mask in loader:
            image = image.to(device, memory_format=torch.channels_last, non_blocking=True)
            with torch.autocast(torch.device(device).type, torch.bfloat16, enabled=device != "cpu"):
                prediction = model(image).argmax(1).cpu()
            keep = mask != 255
            confusion += torch.bincount(mask[keep] * 11 + prediction[keep], minlength=121).view(11, 11)
    return (2 * confusion.diag() / (confusion.sum(0) + confusion.sum(1))).tolist()


def prepare(root, arch="unet", encoder="mobilenet_v2", limit=None, seed=0, device="cpu", save=None,
            recipe="baker2023"):
    """-> a function that trains one epoch on the first `limit` pictures, scores it and returns the results."""
    on_gpu, is_scratch = device != "cpu", recipe == "scratch"
    torch.manual_seed(seed)
    train = CelebAMask(Path(root) / "celebamask" / "train", 128, SCRATCH if is_scratch else BAKER2023, limit)
    val = CelebAMask(Path(root) / "celebamask" / "val", 128, None)
    weights = None if is_scratch else class_weights(train.masks).to(device)
    load = dict(batch_size=12 if is_scratch else 24, num_workers=turns.loader_processes(device),
                persistent_workers=True, pin_memory=on_gpu, worker_init_fn=one_thread if on_gpu else None,
                multiprocessing_context=turns.LOADER_START)
    train, val = torch.utils.data.DataLoader(train, shuffle=True, **load), torch.utils.data.DataLoader(val, **load)
    model = smp.create_model(arch, encoder, None, classes=11).to(device, memory_format=torch.channels_last)
    if is_scratch:
        optimizer = torch.optim.AdamW(model.parameters(), lr=0.002, weight_decay=0.05)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, EPOCHS * len(train))
    else:
        optimizer = torch.optim.NAdam(model.parameters(), lr=0.001)
        schedule = None

    def turn():
        start = time.perf_counter()
        model.train()
        for image, mask in train:
            image = image.to(device, memory_format=torch.channels_last, non_blocking=True)
            mask = mask.to(device, non_blocking=True)
            with torch.autocast(torch.device(device).type, torch.bfloat16, enabled=on_gpu):
                logits = model(image)
            logits = logits.float()
            loss = (torch.nn.functional.cross_entropy(logits, mask, ignore_index=255) if is_scratch else
                    sigmoid_cross_entropy(logits, mask, weights))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if schedule:
                schedule.step()
        loss, seconds, scores = loss.item(), time.perf_counter() - start, f1(model, val, device)
        if save:
            torch.save(model.state_dict(), save)
        return dict(seconds=seconds, loss=loss, mean_f1=float(np.mean(scores[1:])), f1=scores)
    return turn


if __name__ == "__main__":
    parser = turns.options(argparse.ArgumentParser(description=__doc__.splitlines()[0]))
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--arch", default="unet", help="unet, fpn or deeplabv3plus, over --encoder")
    parser.add_argument("--encoder", default="mobilenet_v2")
    parser.add_argument("--limit", type=int, help="train on the first N pictures")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--recipe", choices=("baker2023", "scratch"), default="baker2023")
    parser.add_argument("--save", help="file for the state dict")
    args = parser.parse_args()
    turn = prepare(args.root, args.arch, args.encoder, args.limit, args.seed, args.device, args.save,
                   args.recipe)
    for epoch in range(1, args.epochs + 1):
        print(json.dumps({"epoch": epoch, **turn()}), flush=True)
