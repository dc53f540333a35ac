"""The safetensors format, in which segmentation_models_pytorch and the Hugging Face hub save state dicts.

https://huggingface.co/docs/safetensors: the length of the header, 8 bytes, little-endian; the header, JSON with the
dtype, shape and data_offsets of each tensor; the data. The format is read here, so that the package `safetensors` is no
dependency.
"""
import json

import torch

DTYPES = {"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16,
          "I64": torch.int64, "I32": torch.int32, "U8": torch.uint8}


def read_safetensors(path):
    """The tensors in a file, {name: tensor on the CPU}. Raises ValueError, KeyError or RuntimeError where the file is
    damaged."""
    content = torch.frombuffer(bytearray(path.read_bytes()), dtype=torch.uint8)
    start = 8 + int.from_bytes(content[:8].numpy().tobytes(), "little")
    header = json.loads(content[8:start].numpy().tobytes())
    header.pop("__metadata__", None)
    if sum(end - begin for begin, end in (entry["data_offsets"] for entry in header.values())) > len(content) - start:
        raise ValueError("its tensors overlap")  # else a small file could fill the memory
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]  # counted from the end of the header
        data = content[start + begin:start + end].clone()  # the clone aligns it for its type
        tensors[name] = data.view(DTYPES[entry["dtype"]]).reshape(entry["shape"])
    return tensors
