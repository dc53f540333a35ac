"""The ground truth of records, read once: the data loader and the scores use the same annotation."""
from dataclasses import replace


class KeptAnnotation:
    """A record's `mask` or `landmarks` that keeps the array it reads until `take` fetches it."""

    def __init__(self, read):
        self.read, self.array = read, None

    def __call__(self):
        self.array = self.read()
        return self.array

    def take(self):
        """The array of the last call, which is then no longer kept."""
        array, self.array = self.array, None
        return array


def keep_masks(records):
    """The records, with masks that are KeptAnnotations."""
    return [replace(record, mask=KeptAnnotation(record.mask)) for record in records]


def keep_landmarks(records):
    """The records, with landmarks that are KeptAnnotations."""
    return [replace(record, landmarks=KeptAnnotation(record.landmarks)) for record in records]
