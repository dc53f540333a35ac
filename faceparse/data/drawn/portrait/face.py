"""All layers of one face and its landmarks: what each part of the head adds, from back to front."""
import numpy as np

from faceparse.data.drawn.portrait.in_front import cast_shadow, in_front
from faceparse.data.drawn.portrait.body import clothes_and_neck
from faceparse.data.drawn.portrait.brows import brow_layers
from faceparse.data.drawn.portrait.ears import ears
from faceparse.data.drawn.portrait.eye_region import EyeRegion
from faceparse.data.drawn.portrait.eyewear import eyewear, goggles
from faceparse.data.drawn.portrait.eyes import eye_layers
from faceparse.data.drawn.portrait.lids import lashes, skin_around_eyes
from faceparse.data.drawn.portrait.beard import beard, moustache
from faceparse.data.drawn.portrait.hair import Hair
from faceparse.data.drawn.layers import SKIN, Layer
from faceparse.data.drawn.portrait.lips import mouth_layers
from faceparse.data.drawn.portrait.mouth import lip_edges, mouth_landmarks, mouth_state
from faceparse.data.drawn.portrait import nose, relief
from faceparse.data.drawn.portrait.lighting import face_light
from faceparse.data.drawn.portrait.skin import body_shading, moles, skin_texture, wrinkled


def face_layers(scene):
    """A face in its Scene -> list of Layer, from back to front, in the frame; LaPa's landmarks (106, 2), there too."""
    p, head, skin, hair = scene.p, scene.head, scene.skin, scene.hair
    state = mouth_state(p)
    lips = lip_edges(p, state)
    tables = relief.build(scene, wrinkled(p), 8 * max(state.smile, 0) if state.opening else 0)
    scene.light = face_light(scene, tables)
    outline, nose_outline = head.outline(), nose.outline(p, head)
    if abs(head.yaw) > 15:
        outline = relief.silhouette(head, outline, tables[0], p.nose_y)
    face = head.frame(outline)
    texture = skin_texture(scene, scene.light.red)
    region = EyeRegion(scene)
    eyes, eye_landmarks = eye_layers(scene, region)
    brows, brow_landmarks = brow_layers(scene, region)
    stack = []
    hair_of_head = Hair(scene)
    stack += hair_of_head.behind_shoulders()
    stack += clothes_and_neck(scene, outline)
    stack += hair_of_head.behind_face(texture)
    stack += ears(scene)
    stack += [Layer(face, texture, SKIN, "skin", name="face")]
    stack += nose.nose_layers(scene, texture, nose_outline) + moles(scene)
    stack += beard(scene)
    stack += mouth_layers(scene, state, lips)
    stack += [skin_around_eyes(scene, region)] + eyes + [lashes(scene, region)] + brows
    stack += moustache(scene) + hair_of_head.in_front()
    if p.goggles:
        stack += goggles(scene)
    elif p.glasses or p.sunglasses:
        stack += eyewear(scene)
    if p.cast_shadow:
        stack += cast_shadow(p, head, skin, hair)
    stack += in_front(scene)

    landmarks = np.zeros((106, 3))                                     # on the face
    landmarks[33:51] = brow_landmarks
    landmarks[51:55] = nose.bridge_landmarks(p)
    landmarks[66:84], landmarks[104:] = eye_landmarks[:18], eye_landmarks[18:]
    landmarks[84:104] = mouth_landmarks(lips)
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


def shading_fields(scene):
    """The shading that layers name: {name: (3 or 1, size, size) factors}, and "gloss" (size, size), grey levels."""
    p, size = scene.p, scene.size
    body = np.broadcast_to(body_shading(p, scene.u), (size, size))
    return {"skin": scene.light.factors, "gloss": scene.light.gloss, "face": scene.light.factors,
            "body": body[None]}
