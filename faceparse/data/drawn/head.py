"""The head in three dimensions, and its projection into the frame.

A point passes through three coordinate systems:

1. face (N, 3): x and y of the frontal view, in units of the distance between the outer corners of the eyes, origin
   between the eyes, x to the image's right and y down; and the height over the head's surface, towards the viewer;
2. upright view (N, 2): the same unit, after yaw, pitch and perspective;
3. frame (N, 2): after roll, scale and translation; 0..1 is the picture, whatever its size in pixels.
"""
import numpy as np


class Head:
    """A shallow head of elliptic cross-sections, in the pose of the parameters `p` (`parameters.draw_parameters`)."""
    DEPTH = 0.80  # from the plane of the ears to the front of the face
    AHEAD = 0.5   # of the point that `frame` places, before the head's axis

    def __init__(self, p, pose=None):
        """pose: yaw, pitch and roll in degrees; None: those of the parameters."""
        self.p = p
        self.yaw, self.pitch, self.tilt = pose or (p.yaw, p.pitch, p.roll)
        yaw, pitch, roll = np.radians([self.yaw, self.pitch, self.tilt]).tolist()
        self.cos_yaw, self.sin_yaw = np.cos(yaw), np.sin(yaw)
        self.cos_pitch, self.sin_pitch = np.cos(pitch), np.sin(pitch)
        self.roll = np.array([[np.cos(roll), np.sin(roll)], [-np.sin(roll), np.cos(roll)]])  # for points as rows
        # The head's centre, in the upright view and in the frame.
        self.view_centre = np.array([self.AHEAD * self.sin_yaw, 0.45 * self.sin_pitch + 0.08])
        self.frame_centre = np.array([0.5 + p.shift_x, 0.5 + p.shift_y])

    def section(self, y):
        """The head's elliptic cross-sections at heights y (N,) -> half their width, half their depth and the z of their
        centres, (N,) each."""
        low = y > 0
        t = np.clip(np.where(low, y / self.p.chin, y / -self.p.crown), 0, 1)
        share = np.where(low, np.maximum(1 - t**2.13, 0)**(0.5 * self.p.jaw), self.crown_share(t))
        depth = self.DEPTH * np.where(low, share**0.6, share)
        half = self.p.width * share * (1 + self.p.cheek * np.exp(-16 * (y - 0.35)**2))
        return half, depth, np.where(low, self.DEPTH * (1 - 0.12 * t**3) - depth, 0)

    def crown_share(self, t):
        """The width at heights t (N,) between the eyes, 0, and the crown, 1, as a share of that at the eyes -> (N,)."""
        return np.sqrt(1 - 0.999 * t * t)

    def visible_angles(self, half, depth):
        """The range of angles around the head's axis that yaw leaves visible: up to the ear on the near side, up to the
        silhouette on the far side. half, depth (N,) of the cross-sections -> lowest, highest angle (N,), radians."""
        far = np.arctan2(half * self.cos_yaw, depth * abs(self.sin_yaw) + 1e-9)
        near = np.full_like(far, np.pi / 2)
        return (-near, far) if self.sin_yaw > 0 else (-far, near)

    def view(self, face):
        """Face (N, 3) -> upright view (N, 2). Points that the head hides are moved to its silhouette."""
        half, depth, middle = self.section(face[:, 1])
        low, high = self.visible_angles(half, depth)
        angle = np.clip(np.arcsin(np.clip(face[:, 0] / np.maximum(half, 1e-6), -1, 1)), low, high)
        return self.project(half * np.sin(angle), face[:, 1], middle + depth * np.cos(angle) + face[:, 2])

    def project(self, x, y, z):
        """Points in space, (N,) each -> upright view (N, 2): yaw, pitch, and a camera at a distance of seven units."""
        x, z = x * self.cos_yaw + z * self.sin_yaw, z * self.cos_yaw - x * self.sin_yaw
        y, z = y * self.cos_pitch + z * self.sin_pitch, z * self.cos_pitch - y * self.sin_pitch
        near = 0.93 / (1 - z / 7)
        return np.array([x * near, y * near]).T

    def frame(self, view):
        """Upright view (N, 2) -> frame (N, 2): roll, scale, translation."""
        return (view - self.view_centre) @ (self.roll * self.p.scale) + self.frame_centre

    def outline_heights(self):
        """Heights of the points of each side of `outline`, from the crown to the chin -> (51,)."""
        t = np.linspace(0, np.pi / 2, 26)
        return np.concatenate([-0.999 * self.p.crown * np.sin(t[:0:-1]), self.p.chin * np.sin(t)**0.94])

    def outline(self):
        """The face's contour, down the image's left side, around the chin and up the right -> (101, 2) in the upright
        view; the chin is point 50."""
        y = self.outline_heights()
        half, depth, middle = self.section(y)
        angle = np.array(self.visible_angles(half, depth))
        x, z = half * np.sin(angle), middle + depth * np.cos(angle)    # (2, 51) left, right
        view = self.project(np.append(x[0], x[1, -2::-1]), np.append(y, y[-2::-1]), np.append(z[0], z[1, -2::-1]))
        for _ in range(4):                                             # rounds the corner where the two sides meet
            view[40:61] = 0.25 * view[39:60] + 0.5 * view[40:61] + 0.25 * view[41:62]
        return view

    def skull(self, more, bottom):
        """The outline of the skull, or of hair or a hat `more` units thick over it, from the left over the crown to the
        right -> (48, 2) in the upright view. It starts and ends at height `bottom`."""
        p = self.p
        half, up, down = np.hypot((p.width + more) * self.cos_yaw, (1.0 + more) * self.sin_yaw), p.crown + more, 0.95
        y = bottom + 0.05 + 0.12 * self.sin_pitch
        rise = np.arcsin(np.clip(y / (down if y > 0 else up), -1, 1))
        angle = np.linspace(np.pi + rise, -rise, 48)
        sine = np.sin(angle)
        x = -0.12 * self.sin_yaw + half * np.cos(angle) * np.where(sine < 0, 1 - 0.35 * sine * sine, 1)
        return np.array([x, bottom - y - sine * np.where(sine > 0, up * self.cos_pitch, down)]).T
