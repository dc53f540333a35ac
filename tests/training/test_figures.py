"""The pictures of a finished run."""
import numpy as np
from PIL import Image


def count_pixels(cell, channel):
    """The number of pixels of (H, W, 3) that are strongly red (channel 0) or green (channel 1)."""
    return int(((cell[..., channel] > 220) & (cell[..., 1 - channel] < 80) & (cell[..., 2] < 80)).sum())


def test_the_examples_of_a_landmark_run_have_ground_truth_in_green_and_predictions_in_red(landmark_run):
    """A row a face: the crop, the crop with the ground truth, the crop with the prediction."""
    sheet = np.asarray(Image.open(landmark_run / "examples.png"))  # (H, W, 3)
    assert sheet.shape[1] == 10 + 3 * 244 - 4 + 10  # three cells of 240 and the gaps between them
    columns = [sheet[:, 10 + 244 * k:10 + 244 * k + 240].astype(int) for k in range(3)]
    (crop_red, crop_green), (truth_red, truth_green), (predicted_red, predicted_green) = [
        (count_pixels(column, 0), count_pixels(column, 1)) for column in columns]
    assert crop_red == crop_green == 0
    assert truth_red == 0 and truth_green > 20
    assert predicted_red > 20 and predicted_green == 0
