"""All layers of one face and its landmarks: what each part of the head adds, from back to front."""
import numpy as np

from faceparse.data.drawn import nose
from faceparse.data.drawn.accessories import cast_shadow, foreign_object, glasses, hand, hat
from faceparse.data.drawn.body import clothes_and_neck, ears
from faceparse.data.drawn.brows import brow_layers
from faceparse.data.drawn.clutter import clutter_layers
from faceparse.data.drawn.eyes import eye_layers
from faceparse.data.drawn.hair import back_of_head, beard, hair_in_front, long_hair_behind, stray_hair
from faceparse.data.drawn.layers import SKIN, Layer
from faceparse.data.drawn.mouth import mouth_layers
from faceparse.data.drawn.parameters import SKINS, hair_colour, palette


def face_layers(p, head):
    """A face, in the frame (head.py): coordinates in 0..1.

    p     parameters.draw_parameters
    head  head.Head of the same parameters
    -> list of Layer, from back to front; LaPa's landmarks (106, 2)
    """
    skin, hair = palette(SKINS, p.skin_tone), hair_colour(p)
    outline, nose_outline = head.outline(), nose.outline(p, head)
    face = head.frame(outline)
    mouth, mouth_landmarks = mouth_layers(p, skin)
    eyes, eye_landmarks = eye_layers(p, skin)
    brows, brow_landmarks = brow_layers(p, skin, hair)
    stack = clutter_layers(p) if p.wild else []
    if p.long and not p.bald:
        stack += long_hair_behind(p, head, hair)
    stack += clothes_and_neck(p, head, outline, skin)
    stack += back_of_head(p, head, skin, hair)
    stack += ears(p, head, skin)
    stack += [Layer(face, skin, SKIN, "skin", name="face")]
    stack += nose.nose_layers(p, head, skin, nose_outline)
    if p.beard and not p.make_up:
        stack += beard(p, head, skin, hair)
    stack += mouth + eyes + brows
    if not p.bald:
        stack += hair_in_front(p, head, hair)
    for present, layers in ((p.cast_shadow, cast_shadow), (p.stray_hair, stray_hair),
                            (p.glasses or p.sunglasses, glasses), (p.hat, hat), (p.hand, hand),
                            (p.object, foreign_object)):
        if present:
            stack += layers(p, head, skin, hair)

    landmarks = np.zeros((106, 3))                                     # on the face
    landmarks[33:51] = brow_landmarks
    landmarks[51:55] = nose.bridge_landmarks(p)
    landmarks[66:84], landmarks[104:] = eye_landmarks[:18], eye_landmarks[18:]
    landmarks[84:104] = mouth_landmarks
    stack, landmarks = into_frame(head, stack, landmarks)
    landmarks[:33] = jaw_landmarks(face)
    landmarks[55:66] = head.frame(nose_outline[nose.LANDMARKS])
    return stack, landmarks


def into_frame(head, stack, landmarks):
    """Project all contours that are on the face, (N, 3), and the landmarks (106, 3) into the frame, in one call because
    that is faster -> the layers with contours (N, 2), landmarks (106, 2)."""
    stack = list(stack)
    on_face = [k for k, layer in enumerate(stack) if layer.contour is not None and layer.contour.shape[1] == 3]
    labelled = [k for k in on_face if stack[k].label_contour is not None]
    contours = [stack[k].contour for k in on_face] + [stack[k].label_contour for k in labelled]
    fields = ["contour"] * len(on_face) + ["label_contour"] * len(labelled)
    placed = head.frame(head.view(np.concatenate([landmarks] + contours)))
    end = len(landmarks)
    for k, contour, field in zip(on_face + labelled, contours, fields):
        stack[k] = stack[k]._replace(**{field: placed[end:end + len(contour)]})
        end += len(contour)
    return stack, placed[:len(landmarks)].copy()


def jaw_landmarks(face, start=24, chin=50):
    """LaPa's landmarks 0..32: on each side of the face's contour (101, 2), 17 at equal distances from eye level to the
    chin, which both sides share -> (33, 2)."""
    out = []
    for half in (face[start:chin + 1], face[chin:len(face) - start]):
        arc = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(half, axis=0).T))])
        at = np.linspace(0, arc[-1], 17)
        out.append(np.array([np.interp(at, arc, half[:, 0]), np.interp(at, arc, half[:, 1])]).T)
    return np.concatenate([out[0], out[1][1:]])
