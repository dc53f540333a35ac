"""The part of the frame around eyes and brows, with the face's coordinates at each of its pixels."""
import numpy as np

from faceparse.data.drawn.layers import Layer, on_face

HALF = np.stack(np.meshgrid(np.linspace(-0.8, 0.1, 13), np.linspace(-0.46, 0.3, 10), indexing="ij"), axis=-1)


class EyeRegion:
    """The pixels around the eyes and brows of a Scene.

    rows, columns  slices of the frame's pixels
    x, y           (h, w) float32: coordinates on the face (head.py). Those of the right half are mirrored: x < 0 on
                   both sides, so that one formula serves both eyes
    right          (h, w) bool: the pixels of the right half
    pixel          the width of a pixel in these coordinates
    """

    def __init__(self, scene):
        head = scene.head
        left = head.view(on_face(HALF.reshape(-1, 2), 0.01))
        right = head.view(on_face(HALF.reshape(-1, 2) * (-1, 1), 0.01))
        self.pixel = 1 / (scene.p.scale * scene.size)
        corners = head.frame(np.concatenate([left, right]))
        (x0, y0), (x1, y1) = np.clip([np.floor(corners.min(axis=0) * scene.size),
                                      np.ceil(corners.max(axis=0) * scene.size)], 0, scene.size).astype(int).tolist()
        self.size, self.rows, self.columns = scene.size, slice(y0, max(y1, y0)), slice(x0, max(x1, x0))
        view = scene.x[self.rows, self.columns], scene.y[self.rows, self.columns]
        middle = head.view(on_face(np.array([(0, -0.4), (0, -0.05), (0, 0.3)]), 0.01))
        self.right = view[0] > np.polyval(np.polyfit(middle[:, 1], middle[:, 0], 2), view[1])
        places = [inverse(view, half) for half in (left, right)]
        self.x, self.y = (np.where(self.right, b, a) for a, b in zip(*places))

    def by_side(self, left, right):
        """A value for the pixels of the left half, another one for those of the right half -> (h, w) float32."""
        return np.where(self.right, np.float32(right), np.float32(left))

    def line(self, distance, width, strength=1.0):
        """Coverage of a soft line, as a Gaussian profile widened by the pixel's own width.

        distance (h, w) from the line; width: the profile's standard deviation -> (h, w)
        """
        wide = np.hypot(width, 0.4 * self.pixel)
        return strength * (width / wide) * np.exp(-0.5 * np.square(distance / wide))

    def edge(self, inside, softness=0.0):
        """Coverage of a region with an edge. inside (h, w): the distance from its border, > 0 inside -> (h, w)."""
        return np.clip(inside / (self.pixel + softness) + np.float32(0.5), 0, 1)

    def whole(self, field):
        """A field (h, w) or (3, h, w) -> in the whole frame, with zeros elsewhere, float32."""
        out = np.zeros((*field.shape[:-2], self.size, self.size), np.float32)
        out[..., self.rows, self.columns] = field
        return out


class Glaze:
    """Colours that are mixed over each other inside an EyeRegion, and become one layer."""

    def __init__(self, region):
        self.region = region
        self.colour = np.zeros((3, *region.x.shape), np.float32)       # premultiplied by `cover`
        self.cover = np.zeros(region.x.shape, np.float32)

    def add(self, colour, cover):
        """Mix a colour (3,), 0..255, over what is there, with weights `cover` (h, w), 0..1."""
        self.colour *= 1 - cover
        self.colour += np.asarray(colour, np.float32)[:, None, None] * cover
        self.cover += (1 - self.cover) * cover

    def layer(self, shading="face", clip="face"):
        """All that was added, as a layer without a label."""
        colour = self.colour / np.maximum(self.cover, np.float32(1e-4))
        return Layer(None, self.region.whole(colour), None, shading, clip=clip, cover=self.region.whole(self.cover))


def inverse(view, half):
    """The face's coordinates where the upright view is `view`, by a polynomial of the second degree that is fitted to
    one half of the face.

    view  x, y (h, w)
    half  (N, 2) where the points HALF are in the upright view
    -> x, y on the face, (h, w) float32
    """
    grid = half.reshape(*HALF.shape)
    across, down = np.gradient(grid, axis=0), np.gradient(grid, axis=1)
    area = np.abs(across[..., 0] * down[..., 1] - across[..., 1] * down[..., 0]).ravel()  # 0 where the head hides them
    weight = np.sqrt(area)[:, None]
    terms = lambda x, y: [np.ones_like(x), x, y, x * x, x * y, y * y]
    fit = np.linalg.lstsq(np.array(terms(*half.T)).T * weight, HALF.reshape(-1, 2) * weight, rcond=None)[0]
    fit, fields = fit.T.astype(np.float32), terms(*view)
    return [sum(c * field for c, field in zip(row, fields)) for row in fit]
