"""The appearance of hair: the direction of its strands, its colours and its shading.

Strands are the level curves of a coordinate `across`; noise that varies quickly in `across` and slowly along the
strands looks like hair. The shading is that of thin cylinders (Kajiya and Kay 1989, "Rendering fur with three
dimensional textures"): the diffuse part is the sine of the angle between strand and light, and the highlight a power
of the sine of the angle between strand and halfway vector.
"""
import numpy as np
from PIL import Image

ROWS, COLUMNS = 20, 1024


def strand_table(rng, roughness=0.8):
    """Noise of a 1/f spectrum across strands, slow along them -> (ROWS, COLUMNS) float32 of about mean 0 and standard
    deviation 1; it repeats at no end."""
    total, power = np.zeros((ROWS, COLUMNS), np.float32), 0.0
    for k, n in enumerate((16, 32, 64, 128, 256, 512)):
        grid = rng.standard_normal((3 + k, n), dtype=np.float32)
        total += np.float32(roughness**k) * np.asarray(Image.fromarray(grid).resize((COLUMNS, ROWS),
                                                                                    Image.Resampling.BICUBIC))
        power += 0.6 * roughness**(2 * k)
    return total / np.float32(power**0.5)


class Strands:
    """The hair of a Scene at its pixels, fields (size, size) float32.

    r        distance from the middle of the head in units of the bare skull's radius: 1 on its outline
    noise    the strands' noise, of about mean 0 and standard deviation 1
    curls    smooth noise, alike in all directions
    colour   (3, size, size): RGB in the scene's light
    glow     (3, size, size) grey levels that light from behind adds at the hair's border
    """

    def __init__(self, scene, style, rng):
        p, head = scene.p, scene.head
        half = np.hypot(p.width * head.cos_yaw, head.sin_yaw)
        self.x = (scene.x + np.float32(0.12 * head.sin_yaw)) * np.float32(1 / half)
        self.y = (scene.y + np.float32(0.05)) * np.float32(1 / p.crown)
        above = np.minimum(self.y, 0)
        self.r = np.sqrt(self.x * self.x + above * above)
        self.curls = scene.noise(rng, 10, 4, 0.6)
        across, along = self.flow(style, above)
        slow = scene.noise(rng, 3, 2)
        across = across + np.float32(0.05) * slow
        if style.wave:
            bend = np.sin(np.float32(style.turns) * along + 2 * slow + np.float32(rng.uniform(0, 6)))
            across = across + np.float32(style.wave) * (bend + (0.8 * self.curls if style.texture != "wavy" else 0))
        table = strand_table(rng, rng.uniform(0.65, 0.95))
        column = (across * np.float32(0.30 * COLUMNS)).astype(np.int32)
        row = np.clip(along * 6 + 6, 0, ROWS - 1).astype(np.int32)
        self.noise = table[row, column & (COLUMNS - 1)]
        if style.texture == "tight":
            self.noise = 0.35 * self.noise + 0.9 * scene.noise(rng, 24, 4, 0.8)
        elif style.texture == "locs":
            self.noise = 0.5 * self.noise + 1.1 * np.sin(np.float32(rng.uniform(40, 80)) * across + self.curls) \
                + 0.4 * np.sin(np.float32(rng.uniform(20, 50)) * along)
        self.table, self.row, self.column = table, row, column
        self.colour = self.shaded(scene, style, across, above, slow) * self.pigment(style, above, slow)
        self.colour += self.highlight

    def flow(self, style, above):
        """-> the coordinates across and along the strands."""
        x, y = self.x, self.y
        if style.comb == "back":
            aside = x - np.float32(0.3 * style.parting)
            return np.arctan2(aside, np.float32(0.45) - y), self.r
        if style.comb == "forward":
            down = y + np.float32(2.2)
            aside = x - np.float32(0.4 * style.parting) + np.float32(0.5 * style.fringe_slope) * down
            return 2 * np.arctan2(aside, np.maximum(down, 0.05)), np.sqrt(aside * aside + down * down)
        aside = x - np.float32(style.parting)
        r = np.sqrt(aside * aside + above * above)                     # both sides differ, but meet at the parting
        return r + np.float32(0.22) * aside, np.arctan2(above, np.abs(aside) + np.float32(0.2)) + np.maximum(y, 0)

    def pigment(self, style, above, slow):
        """Roots, lengths and streaks -> RGB (3, size, size)."""
        rgb = lambda colour: np.asarray(colour, np.float32)[:, None, None]
        out = np.broadcast_to(rgb(style.base), (3, *self.x.shape))
        if style.roots_end:
            down = np.clip((self.y + np.float32(1.0) + 0.15 * slow) / np.float32(style.roots_end), 0, 1)
            out = rgb(style.roots) + down * rgb(style.base - style.roots)
        if style.streaks:
            streaks = self.table[self.row, (self.column // 2 + 200) & (COLUMNS - 1)]
            out = out + np.clip(0.5 + 0.5 * (streaks + np.float32(2 * style.streaks - 1)), 0, 1) \
                * rgb(style.streak - style.base)
        return out

    def shaded(self, scene, style, across, above, slow):
        """Factors (size, size) on the pigment; keeps `highlight` (3, size, size), grey levels to add."""
        p = scene.p
        light = np.array([p.light_x, p.light_y - 0.4, 0.9])
        light = (light / np.linalg.norm(light)).astype(np.float32)
        halfway = light + np.array((0, 0, 1), np.float32)
        halfway /= np.linalg.norm(halfway)
        # The volume's normal: that of a dome, flat at its border; the strand lies in its tangent plane.
        nx, ny = np.clip(0.75 * self.x, -0.9, 0.9), np.clip(0.75 * above, -0.9, 0)
        nz = np.sqrt(np.maximum(1 - nx * nx - ny * ny, 0.1))
        down, right = np.gradient(across)
        tx, ty = -down, right
        tz = -(tx * nx + ty * ny) / nz
        length = 1 / np.sqrt(tx * tx + ty * ty + tz * tz + 1e-12)
        sine = lambda v: 1 - np.square((tx * v[0] + ty * v[1] + tz * v[2]) * length + 0.10 * self.noise)
        facing = np.clip(nx * light[0] + ny * light[1] + nz * light[2], 0, 1)
        lit = (0.35 + 0.65 * facing) * np.sqrt(np.clip(sine(light), 0.05, 1))
        shine = np.clip(sine(halfway), 0, 1)**np.float32(0.5 * style.shine_power) * facing
        coarse = self.table[self.row, (self.column // 4 + 77) & (COLUMNS - 1)]
        tone = 1 - np.float32(p.contrast) * (1 - 1.1 * lit)
        tone = tone * np.exp(np.float32(style.fine) * self.noise + np.float32(0.7 * style.coarse) * coarse
                             + 0.12 * slow)
        if style.texture in ("curly", "wavy", "tight"):
            tone = tone * np.exp(np.float32(0.35 * style.coarse + 0.1) * self.curls)
        glow = np.asarray(40 + 0.55 * style.base, np.float32)[:, None, None]
        self.glow = glow * np.float32(1.5)
        self.highlight = glow * (np.float32(1.1 * style.shine) * shine * np.clip(0.85 + 0.4 * self.noise, 0, 2))
        return np.float32(1.25) * tone
