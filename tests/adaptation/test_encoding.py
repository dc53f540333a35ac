"""The encodings of a prediction, worked by hand."""
import torch

from faceparse.adaptation.encoding import channels_of, encode


def test_the_three_encodings_of_two_pixels():
    probabilities = torch.tensor([[0.2, 0.1], [0.5, 0.1], [0.3, 0.8]])[None, :, None]  # (1, 3, 1, 2): classes 1 and 2
    assert torch.equal(encode(probabilities, "probabilities"), probabilities)
    assert encode(probabilities, "onehot")[0, :, 0].tolist() == [[0, 0], [1, 0], [0, 1]]
    assert encode(probabilities, "labels")[0, :, 0].tolist() == [[0.5, 1.0]] * 3  # grey 1 / 2 and 2 / 2, three channels
    assert [channels_of(encoding, 19) for encoding in ("probabilities", "onehot", "labels")] == [19, 19, 3]
