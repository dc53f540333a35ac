"""Fixtures that several test files share."""
import os
from pathlib import Path

import pytest
import torch

torch.set_num_threads(1)  # tiny networks: a second thread only waits


@pytest.fixture(scope="session")
def data_root():
    """The folder of real data: $FACEPARSE_DATA, or ../shared/data beside the checkout. Tests skip where neither is there."""
    candidates = [os.environ.get("FACEPARSE_DATA"), Path(__file__).parents[2] / "shared" / "data"]
    for root in candidates:
        if root and (Path(root) / "celebamask").is_dir():
            return Path(root)
    pytest.skip("no real data: set FACEPARSE_DATA to a folder that holds celebamask/, facesynthetics/, ...")
