"""The mean over annotated landmarks."""


def masked_mean(values, mask):
    """The mean of `values` where `mask`; 0 where there are none."""
    return values.where(mask, 0.0).sum() / mask.sum().clamp(min=1)
