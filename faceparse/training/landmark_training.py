"""The training of a landmark network: records, plan, network and task. See run.py for the sequence."""
from functools import partial

from faceparse import geometry, metrics, models, weights
from faceparse.data import landmarks
from faceparse.data.sets.drawn import pictures_without_face
from faceparse.data.statistics import mean_face
from faceparse.errors import FaceparseError
from faceparse.landmark_sets import landmark_set_to_dict
from faceparse.models.checkpoints import read_checkpoint, weights_in
from faceparse.models.published_pipnet import is_published, read_mean_face
from faceparse.recipes import (IMAGENET_MEAN, IMAGENET_STD, LANDMARK_RECIPES, augmented, default_recipe, paper_recipe,
                               recipe)
from faceparse.training import figures
from faceparse.training.dry_run import SAMPLE
from faceparse.training.faces import make_faces, refuse_without_val, val_records, with_copies
from faceparse.training.plans import departures, make_landmark_plan
from faceparse.training.tasks import Landmarking


class LandmarkTraining:
    """A landmark network of architecture `arch` on the data set `data` in the folder `root`.

    options  {option of plans.LandmarkPlan, or "iterations": value or None}
    Raises FaceparseError.
    """

    def __init__(self, arch, data, options, root):
        chosen = recipe(options.get("recipe") or default_recipe(data, arch), LANDMARK_RECIPES)
        split = options.get("split") or chosen.split_of.get(data, "train")
        listed = landmarks.load(data, split, root)
        plan_of = partial(make_landmark_plan, arch, data, listed.points.name, faces=len(listed.records))
        self.plan = plan = plan_of(options)
        self.paper = paper_recipe(arch, plan.recipe)
        self.departures = departures(plan, plan_of, LANDMARK_RECIPES, self.paper)
        # A crop around the face of a drawn picture has fewer pixels than the picture.
        drawn_size = plan.size * (2 if plan.align in geometry.NEED_LANDMARKS else 1)
        own_points = plan.points == listed.points.name  # a name of one's own is no name that `load` knows
        load_options = {"points": None if own_points else plan.points, "toy_size": drawn_size}
        self.train_set = landmarks.load(data, split, root, limit=plan.limit, **load_options)
        self.val_records, self.notes = val_records(landmarks.load, data, split, root, load_options)
        refuse_without_val(options, self.val_records)
        self.points = self.train_set.points
        self.records = self.train_set.records + pictures_without_face(
            round(plan.without_face * len(self.train_set.records)), plan.seed, drawn_size, self.points)
        paired = self.points.mirror_pairs is not None
        self.notes = list(dict.fromkeys([*self.notes, *filter(None, [
            self.train_set.note,
            "" if paired else f"no face is mirrored: {self.points.name} landmarks have no mirror pairs"])]))
        self.mean_face = read_mean_face(plan.mean_face, self.points.count) if plan.mean_face else None
        own = not plan.init or weights.is_shipped(plan.init)
        if arch == "pipnet" and not own and self.mean_face is None and is_published(
                weights_in(read_checkpoint(plan.init), plan.init)):
            raise FaceparseError(f"{plan.init}: is from PIPNet's authors and does not hold the landmarks' "
                                 "neighbours; give the mean face that it was trained for, their meanface.txt, by "
                                 "--mean-face")
        chosen = recipe(plan.recipe, LANDMARK_RECIPES, (plan.encoder, plan.arch))
        self.recipe = augmented(chosen, plan.augment, mirror=paired)
        self.counts = {}
        self.target = f"{self.points.count} landmarks"

    def faces(self, skip_bad):
        records = with_copies(self.records, self.recipe.jitter)
        return make_faces(self.plan, self.recipe, records, self.val_records, None, skip_bad)

    def build(self, faces=None, folder=None):
        """faces: the Faces whose mean face initialises the network unless the plan names a file; None: no mean face.
        folder: the run's; None: a dry run, whose mean face is that of a sample."""
        plan = self.plan
        model = models.build_landmarker(plan.arch, plan.encoder, self.points.count, plan.stride, plan.neighbors)
        if faces is not None:
            sample = None if folder else SAMPLE
            model.set_mean_face(mean_face(faces, sample) if self.mean_face is None else self.mean_face)
        return model

    def task(self, model, faces, val, device, folder=None):
        by = self.recipe.nme_by or metrics.default_length(self.points)
        return Landmarking(model, self.points, IMAGENET_MEAN, IMAGENET_STD, by)

    def about(self, task):
        plan = self.plan
        return {"arch": plan.arch, "encoder": plan.encoder, "points": landmark_set_to_dict(self.points),
                "size": plan.size, "align": plan.align, "mean": IMAGENET_MEAN, "std": IMAGENET_STD,
                "data": plan.data, "trained": plan.split, "by": task.by, "training_set": plan.training_set,
                "recipe": plan.recipe, "augment": plan.augment, "without_face": plan.without_face, "seed": plan.seed,
                "stride": plan.stride, "neighbors": plan.neighbors}

    def draw(self, folder, history, task, model, val):
        """examples.png and curves.png."""
        figures.draw_landmark_run(folder, history, task, model, val)
