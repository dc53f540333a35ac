"""The mean over annotated landmarks, which the losses of the landmark networks share."""


def masked_mean(values, mask):
    """The mean of `values` where `mask` is true, a scalar; 0 where it is true nowhere.

    values  a tensor of any shape; those that are masked out may be NaN;  mask  bool, of the same shape
    """
    return values.where(mask, 0.0).sum() / mask.sum().clamp(min=1)
