"""The training of a parser: records, plan, network and task. See run.py for the sequence."""
from dataclasses import replace
from functools import partial

from faceparse import losses, models
from faceparse.data import audit, landmarks, parsing
from faceparse.data.sets import DATA_SETS
from faceparse.data.statistics import colour_counts, mean_and_deviation, pixel_counts
from faceparse.labels import label_set, label_set_to_dict
from faceparse.recipes import IMAGENET_MEAN, IMAGENET_STD, RECIPES, augmented, default_recipe, paper_recipe, recipe
from faceparse.training import distributed, figures
from faceparse.training.dry_run import SAMPLE
from faceparse.training.faces import (make_faces, mirrored_safely, refuse_without_val, val_records, with_copies,
                                      with_masks)
from faceparse.training.plans import departures, make_plan
from faceparse.training.run_folder import counted
from faceparse.training.tasks import Parsing

OWN_SETS = ("folder", "labelme")
DATA_OPTIONS = ("full", "helen_rule", "mix", "mix_real")  # options of parsing.load


class ParserTraining:
    """A parser of architecture `arch` on the data set `data` in the folder `root`.

    options  {option of plans.Plan, or "iterations": value or None}
    Raises FaceparseError.
    """

    def __init__(self, arch, data, options, root):
        chosen = recipe(options.get("recipe") or default_recipe(data, arch))
        load_options = {"helen_rule": chosen.helen_rule, **data_options(options),
                        "toy_size": options.get("size") or chosen.size}
        name = data if options.get("labels") else chosen.reads.get(data, data)
        limit = options["limit"] if options.get("limit") is not None else chosen.limit
        split = options.get("split") or chosen.split_of.get(data, "train")
        self.train_set = parsing.load(name, split, root, limit=limit, **load_options)
        self.val_records, self.notes = val_records(parsing.load, name, split, root, load_options)
        refuse_without_val(options, self.val_records)
        records, train_notes = with_masks(self.train_set.records, data, split)
        self.val_records, val_notes = with_masks(self.val_records, data, "val")
        self.train_set = replace(self.train_set, records=records)
        notes = [*self.notes, *filter(None, [self.train_set.note]), *train_notes, *val_notes]
        self.notes = list(dict.fromkeys(notes))  # those of train and val may be the same
        own_labels = self.train_set.labels if name == data else label_set("lapa")
        self.labels = label_set(options["labels"]) if options.get("labels") else own_labels
        self.recipe, mirror_notes = mirrored_safely(augmented(chosen, options.get("augment")), self.labels)
        self.notes += mirror_notes
        plan_of = partial(make_plan, arch, data, own_labels.name,
                          all(record.landmarks for record in records + self.val_records),
                          faces=len(with_copies(records, self.recipe.jitter)))
        self.plan = plan_of(options)
        self.paper = paper_recipe(arch)
        self.departures = departures(self.plan, plan_of, RECIPES, self.paper)
        self.notes += unaligned(self.plan, chosen, options)
        losses.choose_weights(self.plan.class_weights, self.labels, self.plan.loss)  # raises before anything is written
        self.counts = {}
        loss = "its paper's" if models.has_own_loss(arch) else self.plan.loss
        self.target = f"{len(self.labels)} classes of {self.labels.name}, {loss} loss"

    def faces(self, skip_bad):
        records, val = self.train_set.records, self.val_records
        if self.plan.fix_mirrored:
            records, val = (mend_sides(replace(self.train_set, records=some)).records for some in (records, val))
        records = with_copies(records, self.recipe.jitter)
        return make_faces(self.plan, self.recipe, records, val, self.labels, skip_bad)

    def build(self, faces=None, folder=None):
        return models.build(self.plan.arch, self.plan.encoder, len(self.labels))

    def task(self, model, faces, val, device, folder=None):
        plan, sample = self.plan, None if folder else SAMPLE
        mean, std = IMAGENET_MEAN, IMAGENET_STD
        if plan.statistics == "data":
            counts = distributed.from_first(counted, self.counts, folder, "colours", lambda: (
                colour_counts(faces, sample) + colour_counts(val, sample)))
            mean, std = mean_and_deviation(counts)
        weights = losses.choose_weights(plan.class_weights, self.labels, plan.loss, lambda: distributed.from_first(
            counted, self.counts, folder, "classes", partial(pixel_counts, faces, sample)))
        task = Parsing(model, self.labels, plan.loss, mean, std, None if weights is None else weights.to(device),
                       plan.aux_weight, plan.alpha)
        task.headline = plan.best_by
        return task

    def about(self, task):
        plan = self.plan
        return {"arch": plan.arch, "encoder": plan.encoder, "labels": label_set_to_dict(self.labels), "size": plan.size,
                "align": plan.align, "activation": task.activation, "mean": task.mean, "std": task.std,
                "data": plan.data, "sources": "+".join(self.train_set.sources or (self.train_set.name,)),
                "trained": plan.split,
                "training_set": plan.training_set, "mix": plan.mix if "mixed" in plan.data else None,
                "recipe": plan.recipe, "augment": plan.augment, "seed": plan.seed}

    def draw(self, folder, history, task, model, val):
        """examples.png, curves.png, and the F1 table of the best epoch."""
        figures.draw_parser_run(folder, history, task, model, val)


def unaligned(plan, chosen, options):
    """Lines to print where the Recipe `chosen` aligns faces by landmarks that the data set publishes, and its files are
    not there. In a set of one's own they are optional."""
    align = chosen.align_of.get(plan.data, chosen.align)
    if plan.align == align or options.get("align") or plan.data not in landmarks.READERS or plan.data in OWN_SETS:
        return []
    return [f"{plan.data}: some faces have no landmarks, so none is aligned, where {plan.recipe} has --align {align}: "
            f"put there {DATA_SETS[plan.data].published.layout}"]


def data_options(options):
    """Those options of a plan that parsing.load takes, without those that are None."""
    return {key: options[key] for key in DATA_OPTIONS if options.get(key) is not None}


def mend_sides(faces):
    """The FaceSet with left and right swapped in the masks that the audit finds reversed; prints their names, and the
    audit's notes, such as another class order of the whole set."""
    report = audit.audit(faces)
    for note in report["notes"]:
        print(note)
    for finding in report["reversed"]:
        print(f"{finding['name']}: left and right of its {finding['kind']} are reversed, and swapped here")
    return audit.mended(faces, report)
