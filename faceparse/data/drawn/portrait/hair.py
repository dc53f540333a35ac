"""Hair: behind the head, on the skull, over forehead and temples, in front of ears and shoulders, and loose strands."""
import numpy as np

from faceparse.data.drawn.layers import HAIR, SKIN, Layer, ellipse, tint
from faceparse.data.drawn.parameters import SHADOW
from faceparse.data.drawn.portrait import hair_shape
from faceparse.data.drawn.portrait.strands import Strands
from faceparse.drawing import raster

# Hair; further numbers are drawn in hair_style.py. name: (lowest, highest); name: share of the faces
RANGES = {
    "volume": (0.04, 0.2),
}
SHARES = {"bald": 0.04, "receding": 0.15}


class Hair:
    """The hair of a Scene: layers that portrait/face.py puts between those of other parts, from back to front."""

    def __init__(self, scene):
        self.scene, self.style, self.rng = scene, scene.style, scene.random(11)
        self.strands = Strands(scene, self.style, scene.random(12)) if not scene.p.bald else None

    def layers(self, contour, darkness=1.0):
        """Hair inside a contour (N, 2) of the upright view: what is painted, and what is labelled."""
        style, strands = self.style, self.strands
        painted, annotated, level = hair_shape.frayed(self.scene, strands, contour, style, style.soft)
        if style.density < 1:                                          # the scalp shines through
            painted = painted * np.clip(np.float32(style.density) + 0.2 * strands.noise, 0.1, 1)
        if style.shaved:
            painted = painted * (1 - np.float32(style.shaved) * np.clip(6 * (strands.y + np.float32(0.5)), 0, 1))
        colour = strands.colour * np.float32(darkness)
        if self.scene.p.rim_light:                                     # light from behind shines through the border
            colour = colour + strands.glow * (np.square(1 - level) * (strands.r > 0.9))
        return [Layer(None, colour, cover=painted),
                Layer(None, (0, 0, 0), HAIR, opacity=0.0, cover=annotated)]

    def behind_shoulders(self):
        """Long hair behind the shoulders."""
        if self.scene.p.bald or not self.style.length:
            return []
        return self.layers(hair_shape.behind(self.scene.head, self.style), self.darkness())

    def behind_face(self, skin):
        """What is visible of the head beside the face: hair, or a bald skull, which LaPa counts as skin.

        skin  colour (3,) or field (3, size, size)
        """
        p, head, style = self.scene.p, self.scene.head, self.style
        out = []
        if p.bald or style.density < 1 or style.shaved:
            out.append(Layer(head.frame(head.skull(-0.08, 0.4)), skin, SKIN, "skin"))
        if p.bald:
            return out
        out += self.layers(hair_shape.nape(head, style), self.darkness())
        if style.bun:
            x, y, radius = style.bun_at
            middle = head.project(np.array([x]), np.array([-p.crown - y + 0.1]), np.array([-0.3]))[0]
            bun = ellipse(*middle, radius, 0.85 * radius)
            out = self.layers(bun, 0.9) + out
        if style.ponytail:
            side = style.ponytail
            line = np.array([(0.45, 0.1), (0.85, 0.6), (0.95, 1.2), (0.8, 2.3)]) * (side, 1)
            line += head.view_centre * (1, 0) + self.rng.normal(0, 0.08, (4, 2))
            tail = raster.ribbon(raster.curve(line, closed=False), self.rng.uniform(0.2, 0.55))
            out = self.layers(tail, 0.8) + out
        return out

    def darkness(self):
        """Factors (size, size) for hair behind: dark behind the neck, brighter outwards."""
        x, y = self.strands.x, self.strands.y
        near = np.exp(np.float32(-0.9) * (x * x + np.square(np.minimum(y - np.float32(0.9), 0))))
        return 1 - np.float32(self.style.depth) * near

    def in_front(self):
        """Hair in front of skull, ears and shoulders, the shadow that it casts, and loose strands."""
        if self.scene.p.bald:
            return []
        p, head, style, rng = self.scene.p, self.scene.head, self.style, self.rng
        contour = hair_shape.in_front(head, style, rng)
        offset = (-0.05 * p.light_x, rng.uniform(0.02, 0.09) * (style.density == 1))
        shadow = head.frame(contour + offset)
        out = [tint(shadow, SHADOW, rng.uniform(0.2, 0.65) * p.contrast * style.density, 0.014, "face"),
               tint(shadow, SHADOW, 0.4 * p.contrast, 0.02, "neck")]
        painted, annotated = self.layers(contour)
        if style.fringe and style.sheer:                               # the forehead shows between the strands
            low = np.clip((self.scene.y + np.float32(style.line * p.crown)) * 3, 0, 1) * (self.scene.y < 0.1)
            gaps = np.clip(0.6 + 0.7 * self.strands.noise, 0, 1)
            painted = painted._replace(cover=painted.cover * (1 - np.float32(style.sheer) * low * gaps))
        out += [painted, annotated]
        for _ in range(style.locks):
            strand = head.frame(hair_shape.lock(head, style, rng))
            out.append(Layer(strand, self.strands.colour, HAIR, opacity=rng.uniform(0.6, 1.0)))
        return out
