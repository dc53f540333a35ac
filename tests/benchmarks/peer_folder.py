"""The peer of evaluate.py --images: a plain script on segmentation_models_pytorch and OpenCV with the same outputs.

    pip install -e '.[bench]'

A picture at a time, as people write it: read, resize, run, resize back, argmax, blend, write mask, overlay and JSON.
Nothing here imports faceparse.
"""
import json
import time
from pathlib import Path

import cv2
import numpy as np
import segmentation_models_pytorch as smp
import torch
from PIL import Image

MEAN, STD = np.float32([0.485, 0.456, 0.406]), np.float32([0.229, 0.224, 0.225])


def network(weights, classes):
    """UNet over MobileNetV2 with the weights of one of our checkpoints."""
    model = smp.Unet("mobilenet_v2", encoder_weights=None, classes=classes)
    model.load_state_dict(torch.load(Path(weights) / "best.pt", map_location="cpu", weights_only=True)["weights"])
    return model.eval()


def parse(model, file, size, device):
    """(picture (H, W, 3) uint8 RGB, mask (H, W) uint8, confidence (H, W) float32)"""
    image = cv2.cvtColor(cv2.imread(str(file)), cv2.COLOR_BGR2RGB)
    crop = cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA)
    crop = torch.from_numpy(((crop / np.float32(255) - MEAN) / STD).transpose(2, 0, 1)[None])
    with torch.inference_mode():
        probabilities = model(crop.to(device)).softmax(1)[0].cpu()
    planes = probabilities.permute(1, 2, 0).numpy()
    planes = cv2.resize(planes, image.shape[1::-1], interpolation=cv2.INTER_LINEAR)  # (H, W, C)
    return image, planes.argmax(-1).astype(np.uint8), planes.max(-1)


def write(image, mask, confidence, palette, names, base):
    """Mask, overlay and JSON of a picture."""
    picture = Image.fromarray(mask)
    picture.putpalette(palette.tobytes())
    picture.save(f"{base}_mask.png")
    drawn = np.where(mask[..., None] > 0, cv2.addWeighted(image, 0.5, palette[mask], 0.5, 0), image)
    cv2.imwrite(f"{base}_overlay.jpg", cv2.cvtColor(drawn, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 90])
    parts = {}
    for index in np.unique(mask):
        inside = mask == index
        x, y, width, height = cv2.boundingRect(inside.astype(np.uint8))
        parts[names[index]] = {"pixels": int(inside.sum()), "box": [x, y, x + width, y + height],
                               "confidence": float(confidence[inside].mean())}
    Path(f"{base}.json").write_text(json.dumps({"width": image.shape[1], "height": image.shape[0], "parts": parts}))


def folder(pictures, weights, size, palette, names, out, parse_only=False, device="cpu"):
    """-> a function that parses all pictures (files) and returns the {"seconds"} of one: of the processor, on a GPU by
    the clock on the wall."""
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    model, palette = network(weights, len(names)).to(device), np.uint8(palette)
    clock = time.process_time if device == "cpu" else time.perf_counter
    Path(out).mkdir(parents=True, exist_ok=True)

    def turn():
        start = clock()
        for file in pictures:
            results = parse(model, file, size, device)
            if not parse_only:
                write(*results, palette, names, Path(out) / Path(file).stem)
        return {"seconds": (clock() - start) / len(pictures)}
    return turn
