"""The training of a label adapter: its task, records, plan and network. See training/run.py for the sequence.

The pictures pass through frozen parsers, and the adapter learns from their predictions (baker2023, section 2.2).
"""
import itertools
from dataclasses import replace
from functools import partial

import torch

from faceparse import losses, models
from faceparse.adaptation.encoding import channels_of, encode
from faceparse.data import parsing
from faceparse.data.records import usable_alignment
from faceparse.data.splits import SPLIT_SEED, fixed_order, sample
from faceparse.data.statistics import pixel_counts
from faceparse.errors import FaceparseError, NoSuchSplit
from faceparse.labels import label_set, label_set_to_dict, table
from faceparse.recipes import RECIPES, TOYS, default_recipe, recipe
from faceparse.training import distributed, figures
from faceparse.training.dry_run import SAMPLE
from faceparse.training.faces import make_faces, mirrored_safely, with_masks
from faceparse.training.parser_training import data_options
from faceparse.training.plans import departures, make_adapter_plan, training_set_of
from faceparse.training.run_folder import counted
from faceparse.training.tasks import Parsing


class Adapting(Parsing):
    """Label adaptation: predictions of frozen parsers -> label maps.

    parsers   inference.Parser, one or more, of the same label set, crop size and alignment
    encoding  how a prediction is encoded as the adapter's input: a name in encoding.INPUTS

    The parsers' predictions are pooled: in training, picture i goes through parser (i + epoch) modulo their number, so
    that it goes through each in turn; scores are over all of them.
    """
    kind = "adapter"

    def __init__(self, model, labels, loss, parsers, encoding, weights=None):
        super().__init__(model, labels, loss, None, None, weights)
        self.parsers, self.encoding = parsers, encoding

    def feed(self, batch, epoch=None):
        """See Parsing.feed: the inputs are encoded predictions, in scoring those of all K parsers, (K B, C', S, S)."""
        images, count = batch["image"], len(self.parsers)
        if epoch is None:
            probabilities = torch.cat([parser.probabilities(images) for parser in self.parsers])  # (K B, C, S, S)
            batch = {**batch, "mask": batch["mask"].repeat(count, 1, 1)}
        else:
            turn = (batch["index"].cpu() + epoch) % count  # (B,) the parser of each picture
            parts = [(turn == k).nonzero()[:, 0] for k in range(count)]
            predicted = torch.cat([self.parsers[k].probabilities(images[part])
                                   for k, part in enumerate(parts) if len(part) or not len(turn)])
            order = torch.cat(parts).argsort()  # of the pictures
            probabilities = predicted[order.to(predicted.device)]  # (B, C, S, S)
        return encode(probabilities, self.encoding).contiguous(memory_format=torch.channels_last), batch


class AdapterTraining:
    """A label adapter of architecture `arch` for `parsers` (inference.Parser, all trained on one set) on the data set
    `target` in the folder `root`.

    options  {option of plans.AdapterPlan: value or None}
    The adapter is trained on the target's train split alone, and the val split chooses the best epoch. Where the target
    has no test split with masks, its val split is kept for scoring, and a fixed tenth of train chooses the best epoch.
    Raises FaceparseError.
    """

    def __init__(self, parsers, arch, target, options, root):
        self.parsers = parsers
        self.recipe = recipe(options.get("recipe") or default_recipe(target))
        limit = options["limit"] if options.get("limit") is not None else self.recipe.limit
        self.train_set, self.val_records, self.seen = target_splits(
            target, root, limit, {"helen_rule": self.recipe.helen_rule, **data_options(options),
                                  "toy_size": parsers[0].size})
        records, train_notes = with_masks(self.train_set.records, target, "train")
        self.val_records, val_notes = with_masks(self.val_records, target, self.seen[-1])
        self.train_set = replace(self.train_set, records=records)
        align = usable_alignment(parsers[0].align, self.train_set.records + self.val_records)
        plan_of = partial(make_adapter_plan, arch, target, self.train_set.labels.name, parsers, align)
        self.plan = plan_of(options)
        self.labels = label_set(options["labels"]) if options.get("labels") else self.train_set.labels
        self.recipe, mirror_notes = mirrored_safely(self.recipe, self.labels)
        self.paper, self.counts = "baker2023", {}
        self.departures = departures(self.plan, plan_of, RECIPES, self.paper)
        self.target = f"{len(self.labels)} classes of {self.labels.name}, {self.plan.loss} loss"
        held_out = (f"{target} has no test split: its val split is kept for scoring, and {len(self.val_records)} faces "
                    "of train choose the best epoch") if self.seen == ["train"] else ""
        unaligned = (f"{target}: some faces have no landmarks, so none is aligned by --align {parsers[0].align}, the "
                     "parsers'") if align != parsers[0].align else ""
        self.notes = [*filter(None, (self.train_set.note, held_out, unaligned)),
                      *train_notes, *val_notes, *mirror_notes,
                      f"{self.plan.name}: adapts the labels of {', '.join(fit['run'] for fit in self.plan.fits)}"]

    def faces(self, skip_bad):
        return make_faces(self.plan, self.recipe, self.train_set.records, self.val_records, self.labels, skip_bad)

    def build(self, faces=None, folder=None):
        channels = channels_of(self.plan.input, len(self.parsers[0].labels))
        return models.build(self.plan.arch, self.plan.encoder, len(self.labels), channels)

    def task(self, model, faces, val, device, folder=None):
        plan = self.plan
        name = losses.default_weights(self.recipe.class_weights, plan.labels, plan.loss)
        weights = losses.choose_weights(name, self.labels, plan.loss, lambda: distributed.from_first(
            counted, self.counts, folder, "classes", partial(pixel_counts, faces, None if folder else SAMPLE)))
        return Adapting(model, self.labels, plan.loss, self.parsers, plan.input,
                        None if weights is None else weights.to(device))

    def about(self, task):
        plan = self.plan
        return {"arch": plan.arch, "encoder": plan.encoder, "labels": label_set_to_dict(self.labels),
                "source": label_set_to_dict(self.parsers[0].labels), "input": plan.input, "size": plan.size,
                "align": plan.align, "activation": task.activation, "target": plan.data, "seen": self.seen,
                "fits": plan.fits, "training_set": plan.training_set, "recipe": plan.recipe, "seed": plan.seed}

    def draw(self, folder, history, task, model, val):
        """examples.png, with the first parser's predictions before and after adaptation, curves.png and the F1
        table."""
        parser = self.parsers[0]
        to_labels = table(parser.labels, self.labels)

        def before(images):
            return to_labels[parser.logits(images).argmax(1)[0].cpu().numpy()]
        figures.draw_parser_run(folder, history, task, model, val, ("prediction", before))


def target_splits(target, root, limit, load_options):
    """(FaceSet to train on, records that choose the best epoch, names of the target's splits that both are from)."""
    train_set = parsing.load(target, "train", root, **load_options, limit=None if target not in TOYS else limit)
    try:
        test = parsing.load(target, "test", root, **load_options).records
        with_masks = any(record.mask for record in test)
        val = parsing.load(target, "val", root, **load_options).records if with_masks else []
    except NoSuchSplit:
        val = []
    seen = ["train", "val"]
    if not val:
        order = fixed_order(train_set.records)
        val, seen = order[:max(1, len(order) // 10)], ["train"]
        names = {record.name for record in val}
        train_set = replace(train_set, records=[record for record in train_set.records if record.name not in names])
    return replace(train_set, records=sample(train_set.records, limit, SPLIT_SEED)), val, seen


def by_training_set(parsers):
    """{training set: its parsers}. Raises FaceparseError where those of a set differ in labels, size or alignment."""
    groups = {}
    for parser in parsers:
        groups.setdefault(training_set_of(parser), []).append(parser)
    for training_set, group in groups.items():
        for parser, option in itertools.product(group, ("labels", "size", "align")):
            if getattr(parser, option) != getattr(group[0], option):
                raise FaceparseError(f"{group[0].path} and {parser.path} were trained on {training_set} with another "
                                     f"--{option}, and one adapter cannot fit both: name those of one kind by --model")
    return groups
