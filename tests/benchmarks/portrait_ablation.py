"""What each group of the portraits' properties gains on real photographs: the training without it, scored on them.

    python tests/benchmarks/portrait_ablation.py --root DATA [--without NAME] [--faces 2500] [--epochs 5]

A small parser is trained on portraits that lack a group of GROUPS, or nothing by default, and scored
on 400 photographs of CelebAMask's train split and on FaceSynthetics' 100 (crop frame, pooled). A training takes about
five minutes on one core; a run that exists is not trained again.
"""
import argparse
from pathlib import Path

import numpy as np

from faceparse import drawing
from faceparse.data import parsing
from faceparse.data.drawn.portrait import face, hair_style, portrait, scene
from faceparse.evaluation import parser_scores
from faceparse.inference import checkpoint
from faceparse.training.options import RunOptions
from faceparse.training.parser_training import ParserTraining
from faceparse.training.run import train

PHOTOGRAPHS = 400


def plain_background():
    portrait.background = lambda scene: np.broadcast_to(
        scene.random(40).uniform(20, 235, (3, 1, 1)).astype(np.float32), (3, scene.size, scene.size)).copy()


def ideal_camera():
    portrait.photograph = lambda scene, canvas: np.ascontiguousarray(
        np.clip(canvas, 0, 255).astype(np.uint8).transpose(1, 2, 0))


def no_randomisation():
    portrait.randomised = lambda scene, canvas, mask: canvas


def even_light():
    light_of = face.face_light

    def even(scene, tables):
        light = light_of(scene, tables)
        light.factors, light.gloss = np.ones_like(light.factors), np.zeros_like(light.gloss)
        return light
    face.face_light = even


def smooth_skin():
    face.skin_texture, face.moles, face.wrinkled = lambda scene, red: scene.skin, lambda scene: [], lambda p: 0.0


def bare_eyes():
    """Neither lids, sockets nor lashes."""
    layers_of = face.skin_around_eyes, face.lashes
    face.skin_around_eyes, face.lashes = (
        lambda scene, region, one=one: one(scene, region)._replace(opacity=0.0) for one in layers_of)


def one_haircut():
    """Straight brown hair, long or short, without a fringe."""
    style_of = scene.hair_style
    hair_style.SHARES_MADE_UP = hair_style.SHARES_PLAIN = hair_style.SHARES_BEARDED = (0.5, 0, 0, 0.5, 0, 0)
    hair_style.TEXTURES = {kind: (float(kind == "straight"), *row[1:]) for kind, row in hair_style.TEXTURES.items()}
    hair_style.COLOURS = {kind: (float(kind == "dark brown"), *row[1:]) for kind, row in hair_style.COLOURS.items()}
    scene.hair_style = lambda p, rng: _without_fringe(style_of(p, rng))


def _without_fringe(style):
    style.fringe, style.locks = 0.0, 0
    return style


def nothing_in_front():
    """Neither hats, hands, objects, glasses, beards nor cast shadows."""
    change_parameters(lambda p: p.__dict__.update(dict.fromkeys(
        ("hat", "hand", "object", "glasses", "sunglasses", "beard", "cast_shadow"), False)))


def frontal():
    change_parameters(lambda p: p.__dict__.update(yaw=0.2 * p.yaw, pitch=0.2 * p.pitch, roll=0.2 * p.roll))


def closed_mouths():
    change_parameters(lambda p: setattr(p, "mouth_state", 0.1))


def change_parameters(change):
    drawn = scene.draw_parameters

    def changed(rng):
        p = drawn(rng)
        change(p)
        return p
    scene.draw_parameters = changed


GROUPS = {"nothing": lambda: None, "backgrounds": plain_background, "camera": ideal_camera,
          "randomisation": no_randomisation, "light": even_light, "skin texture": smooth_skin,
          "lids and lashes": bare_eyes, "haircuts": one_haircut, "things in front": nothing_in_front,
          "poses": frontal, "open mouths": closed_mouths}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", default="data")
    parser.add_argument("--without", choices=GROUPS, default="nothing")
    parser.add_argument("--faces", type=int, default=2500)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("portrait_ablation"))
    args = parser.parse_args()
    name = f"{args.without.replace(' ', '-')}-seed{args.seed}"
    GROUPS[args.without]()
    options = {"limit": args.faces, "epochs": args.epochs, "seed": args.seed, "size": 128, "batch": 12}
    run = train(ParserTraining("mobilenetv2_small", "portrait", options, args.root),
                RunOptions(runs=args.out, name=name, resume=True))
    network, rows = checkpoint.load(run), []
    for data, split in (("celebamask", "train"), ("facesynthetics", "all")):
        faces = parsing.load(data, split, args.root, limit=PHOTOGRAPHS)
        evaluation = parser_scores.evaluate(network, faces, skip_bad=True, label=data)
        scores = evaluation.scores("pooled")
        rows.append([args.without, data, *(f"{value:.3f}" for value in (*scores.f1[1:], scores.mean_f1))])
    print(drawing.markdown(["without", "photographs", *evaluation.labels.names[1:], "mean"], rows))


if __name__ == "__main__":
    main()
