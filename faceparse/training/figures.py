"""The output of a finished run: curves.png, examples.png, and the F1 table of a parser's best epoch."""
import torch

from faceparse import drawing
from faceparse.data.loading import spread
from faceparse.models.checkpoints import load_weights, read_checkpoint, weights_in
from faceparse.training.run_log import best_of, validations_of

EXAMPLES = 6  # faces of the val split in examples.png


def draw_parser_run(folder, history, task, model, val, before=None):
    """examples.png, curves.png, and a printed table of F1 at the best and the last epoch.

    before  a column to show beside the network's predictions: (title, function of images (1, 3, S, S) uint8 -> label
            map (S, S) in the classes of val.labels), or None
    """
    if len(val):
        prediction = ("adapted" if before else "prediction", best_prediction(folder, model, task))
        drawing.save_picture(parser_examples([before, prediction] if before else [prediction], val),
                             folder / "examples.png")
    drawing.save_picture(curves(history, task), folder / "curves.png")
    if not len(val):
        return print(f"curves.png and best.pt are in {folder}")
    best = best_of(history, task)
    names = list(best["f1"])[1:]
    print(drawing.table(["epoch", *names, "mean F1", "mIoU", "mFscore", "accuracy"], [
        [f"{kind}, {line['epoch']:.4g}", *(line["f1"][name] for name in names),
         *(line[score] for score in ("mean_f1", "miou", "mfscore", "accuracy"))]
        for kind, line in (("best", best), ("last", history[-1]))]))
    print(f"curves.png, examples.png and best.pt are in {folder}")


def draw_landmark_run(folder, history, task, model, val):
    """examples.png and curves.png."""
    if len(val):
        predict = best_prediction(folder, model, task)
        drawing.save_picture(landmark_examples(predict, val), folder / "examples.png")
    drawing.save_picture(curves(history, task), folder / "curves.png")
    print(f"curves.png, {'examples.png ' if len(val) else ''}and best.pt are in {folder}")


def best_prediction(folder, model, task):
    """The function from images (1, 3, S, S) uint8 to the decoded output, numpy, of the first of them: label map (S, S)
    or landmarks (K, 2) in pixels of the crop. Loads the weights of best.pt into `model`."""
    load_weights(model, weights_in(read_checkpoint(folder / "best.pt"), folder / "best.pt"), folder / "best.pt")
    model.eval()
    device = next(model.parameters()).device

    def predict(images):
        with torch.inference_mode():
            mask = torch.zeros(1, 1, 1, dtype=torch.uint8)  # of a batch, but no input of the network
            inputs, _ = task.feed({"image": images.to(device), "mask": mask})
            return task.decode(model(inputs))[0].cpu().numpy()
    return predict


def parser_examples(columns, faces):
    """A contact sheet of faces: crop, ground truth, and label maps painted over the crop.

    columns  [(title, function of images (1, 3, S, S) uint8 -> label map (S, S))]
    """
    rows, indices = [], example_indices(faces)
    for index in indices:
        face = faces[index]
        image, crop = face["image"].transpose(1, 2, 0), torch.from_numpy(face["image"][None].copy())  # (S, S, 3)
        masks = [face["mask"], *(predict(crop) for _, predict in columns)]
        rows.append([image, *(drawing.overlay(image, mask, faces.labels) for mask in masks)])
    return drawing.contact_sheet(rows, ["image", "ground truth", *(title for title, _ in columns)],
                                 [faces.records[i].name for i in indices], cell=max(160, faces.size),
                                 legend=faces.labels)


def landmark_examples(predict, faces):
    """A contact sheet of faces: crop, ground truth (green), predicted landmarks (red). predict: see best_prediction."""
    rows, indices = [], example_indices(faces)
    for index in indices:
        face = faces[index]
        image, crop = face["image"].transpose(1, 2, 0), torch.from_numpy(face["image"][None].copy())  # (S, S, 3)
        radius = max(1.0, len(image) / 150)
        rows.append([image, drawing.draw_points(image, face["landmarks"], (0, 255, 0), radius),
                     drawing.draw_points(image, predict(crop), (255, 60, 60), radius)])
    return drawing.contact_sheet(rows, ["crop", "ground truth", "prediction"], [faces.records[i].name for i in indices],
                                 cell=240)


def example_indices(faces):
    """The indices of EXAMPLES faces spread evenly over all, without the unreadable ones."""
    return [index for index in spread(len(faces), EXAMPLES) if index not in faces.bad]


def curves(history, task):
    """A picture: the losses in training and on the val split, and the scores in task.followed and task.headline on
    both, by epoch. Those in training are dashed where there are both."""
    epochs, scored = [line["epoch"] for line in history], validations_of(history)
    scored = [line for line in scored if task.headline in line]
    times = [line["epoch"] for line in scored]

    def both(name, on_val, in_training):
        """{name: (epochs, values)} of the lines of one score."""
        val = {f"{name}, val": (times, [line.get(on_val) for line in scored])} if scored else {}
        return {**val, f"{name}, training": (epochs, [line.get(in_training) for line in history])}

    def chart(series, title, y_label, y_range=None):
        dashed = [name for name in series if name.endswith(", training")] if scored else ()
        return drawing.line_chart(series, title, "epoch", y_label, y_range, dashed=dashed)

    scores = {}
    for key in dict.fromkeys((*task.followed, task.headline)):
        scores |= both(key, key, f"train_{key}")
    return drawing.stack([
        chart(both("loss", "val_loss", "loss"), "loss on the val split and in training", "loss"),
        chart(scores, "scores on the val split and on augmented training crops", "score",
              (0, 1) if task.sign > 0 else None)])
