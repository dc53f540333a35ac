"""Label adapters: networks that turn a parser's prediction into what a human annotator would have drawn.

A label set is more than its names. Renderers and people, or two teams of people, put the edge of the nose, the lower
end of a brow or the hair line in different places, and a network trained on the one is marked down on the other. Wood et
al. 2021 ("Fake it till you make it", section 4.1) train a second network, the label adapter, from the predictions of the
first on photographs of the target domain to these photographs' human labels. It never sees a pixel of the photograph.
baker2023 trains one a training set, from the pooled predictions of all the parsers trained on that set (section 2.2).

The adapter is any network of `models` with as many input channels as the encoding below has. It is trained by
tasks.Adapting, and applied by inference.AdaptedParser.
"""
import torch.nn.functional as F

INPUTS = ("probabilities", "onehot", "labels")


def channels_of(encoding, num_classes):
    """How many channels a prediction of `num_classes` has in an encoding."""
    return 3 if encoding == "labels" else num_classes


def encode(probabilities, encoding):
    """What an adapter is shown of a prediction: (B, C, H, W) in 0..1 -> (B, channels_of(encoding, C), H, W) float32.

    probabilities  as they are: how sure the parser was, and of what else it thought
    onehot         1 for the most probable class, 0 for the others: the label map without an order of the classes
    labels         the label map as a grey picture, index / (C - 1), repeated in three channels: what baker2023's code
                   feeds a network that was made for photographs
    """
    if encoding == "probabilities":
        return probabilities.float().clone()  # out of inference mode, whose tensors no training may hold
    num_classes = probabilities.shape[1]
    best = probabilities.argmax(1)  # (B, H, W)
    if encoding == "onehot":
        return F.one_hot(best, num_classes).permute(0, 3, 1, 2).float()
    grey = best.float() / (num_classes - 1)
    return grey[:, None].repeat(1, 3, 1, 1)
