"""Starting a network from a checkpoint."""
from faceparse.models.checkpoints import load_weights, read_checkpoint, weights_in
from faceparse.models.encoders.pretrained import imagenet_file, load_backbone, load_encoder_weights
from faceparse.models.pipnet import PIPNet
from faceparse.models.published_pipnet import is_published, load_published
from faceparse.models.regressor import Regressor


def initialise(model, source, notes=None):
    """Load a checkpoint into a network, in place: this project's, segmentation_models_pytorch's, torchvision's for the
    encoder alone, or PIPNet's authors', after `set_mean_face`.

    source  a file's path, or the dict in it
    notes   a list to which lines for the user are added, or None: averaged weights that were preferred, entries of the
            file that are no part of the network, and what its weights leave open
    Returns the names of the parts that keep their random weights: the head where the number of classes differs, the
    decoder where the checkpoint is a backbone's. Raises FaceparseError for anything else that does not fit.
    """
    content, name = (source, "the state dict") if isinstance(source, dict) else (read_checkpoint(source), source)
    weights = weights_in(content, name, notes)
    if isinstance(model, PIPNet) and is_published(weights):
        load_published(model, weights, name)
        return []
    if hasattr(model, "encoder") and not any(key.startswith("encoder.") for key in weights):
        load_backbone(model.encoder, weights, name, notes)
        return [part for part, module in model.named_children() if part != "encoder" and list(module.parameters())]
    own = model.state_dict()
    resized = [head for head in model.heads if any(
        key in weights and weights[key].shape != own[key].shape for key in own if key.startswith(head))]
    # segmentation_models_pytorch's optional image classifier has no counterpart here
    load_weights(model, weights, name, (*resized, "classification_head."), notes)
    if notes is not None and "format" not in content and hasattr(model, "not_in_weights"):
        notes.append(f"{name}: its weights also fit other options of segmentation_models_pytorch, with other results; "
                     f"used here: {model.not_in_weights}")
    return [head.rstrip(".") for head in resized]


def load_pretrained(model, source, notes=None):
    """load_encoder_weights for any network; for a Regressor over MobileNetV3 also its hidden layer, if the file has it.

    source, notes  as in load_encoder_weights. Raises FaceparseError.
    """
    load_encoder_weights(model.encoder, source, notes)
    if source != "none" and isinstance(model, Regressor) and model.encoder.name == "mobilenet_v3_large":
        path = imagenet_file(model.encoder.name) if source == "imagenet" else source
        weights = weights_in(read_checkpoint(path), path)
        for theirs in ("classifier.0.", "hidden.0."):  # in torchvision's files, and in this project's
            if f"{theirs}weight" in weights:
                load_weights(model.hidden[0], {key: weights[theirs + key] for key in ("weight", "bias")}, path)
