"""Label adapters, and how a prediction is encoded as their input.

Label sets differ in more than their names. Renderers and people, or two teams of people, draw the edge of the nose, the
lower end of a brow or the hair line in different places, so a network trained on the labels of one scores lower on
those of the other. Wood et al. 2021 ("Fake it till you make it", section 4.1) train a second network, the label
adapter: its inputs are predictions of the first network on photographs of the target domain, its targets the human
labels of these photographs. The photograph itself is no input of the adapter. baker2023 trains one adapter for each
training set, from the pooled predictions of all parsers trained on that set (section 2.2).

The adapter is any network of `models` with as many input channels as the encoding has. It is trained by training.py and
runs in adapted_parser.AdaptedParser.
"""
import torch.nn.functional as F

INPUTS = ("probabilities", "onehot", "labels")


def channels_of(encoding, num_classes):
    """The number of channels of an encoded prediction of `num_classes` classes."""
    return 3 if encoding == "labels" else num_classes


def encode(probabilities, encoding):
    """Encode a prediction as an adapter's input.

    probabilities  (B, C, H, W) in 0..1
    encoding       a name of INPUTS:
      probabilities  the probabilities themselves, with the confidence and the second choices
      onehot         1 for the most probable class, 0 for the others: the label map, without an order of the classes
      labels         the label map as a grey image, index / (C - 1), in three equal channels: the input in baker2023's
                     code, for a network made for photographs
    Returns (B, channels_of(encoding, C), H, W) float32.
    """
    if encoding == "probabilities":
        return probabilities.float().clone()  # a copy: autograd refuses tensors made in inference mode
    num_classes = probabilities.shape[1]
    best = probabilities.argmax(1)  # (B, H, W)
    if encoding == "onehot":
        return F.one_hot(best, num_classes).permute(0, 3, 1, 2).float()
    grey = best.float() / (num_classes - 1)
    return grey[:, None].repeat(1, 3, 1, 1)
