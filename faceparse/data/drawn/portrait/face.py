"""All layers of one face and its landmarks: what each part of the head adds, from back to front."""
import numpy as np

from faceparse.data.drawn.face import into_frame, jaw_landmarks
from faceparse.data.drawn.layers import SKIN, Layer
from faceparse.data.drawn.nose import LANDMARKS, bridge_landmarks
from faceparse.data.drawn.portrait import nose, relief
from faceparse.data.drawn.portrait.beard import beard, moustache
from faceparse.data.drawn.portrait.body import clothes_and_neck
from faceparse.data.drawn.portrait.brows import brow_layers
from faceparse.data.drawn.portrait.ears import ears
from faceparse.data.drawn.portrait.eye_region import EyeRegion
from faceparse.data.drawn.portrait.eyes import eye_layers
from faceparse.data.drawn.portrait.eyewear import eyewear, goggles
from faceparse.data.drawn.portrait.hair import Hair
from faceparse.data.drawn.portrait.in_front import cast_shadow, in_front
from faceparse.data.drawn.portrait.lids import lashes, skin_around_eyes
from faceparse.data.drawn.portrait.lighting import face_light
from faceparse.data.drawn.portrait.lips import mouth_layers
from faceparse.data.drawn.portrait.mouth import lip_edges, mouth_landmarks, mouth_state
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
    landmarks[51:55] = bridge_landmarks(p)
    landmarks[66:84], landmarks[104:] = eye_landmarks[:18], eye_landmarks[18:]
    landmarks[84:104] = mouth_landmarks(lips)
    stack, landmarks = into_frame(head, stack, landmarks)
    landmarks[:33] = jaw_landmarks(face)
    landmarks[55:66] = head.frame(nose_outline[LANDMARKS])
    return stack, landmarks


def shading_fields(scene):
    """The shading that layers name: {name: (3 or 1, size, size) factors}, and "gloss" (size, size), grey levels."""
    p, size = scene.p, scene.size
    body = np.broadcast_to(body_shading(p, scene.u), (size, size))
    return {"skin": scene.light.factors, "gloss": scene.light.gloss, "face": scene.light.factors,
            "body": body[None]}
