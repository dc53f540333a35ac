"""Which of several detections are the same face."""
import numpy as np

from faceparse.inference.detection import Detection, distinct, is_same_box, is_same_face, main_face


def face(x0, y0, x1, y1, confidence=0.9, is_face=True):
    return Detection(np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], np.float32), np.full(4, confidence), is_face)


def test_boxes_that_overlap_much_are_one_face():
    assert is_same_face(face(0, 0, 100, 100), face(40, 0, 140, 100))      # 60 of 140: 0.43 of the union
    assert not is_same_face(face(0, 0, 100, 100), face(60, 0, 160, 100))  # 40 of 160: 0.25
    assert is_same_face(face(0, 0, 100, 100), face(20, 20, 50, 50))       # one holds the other
    assert not is_same_face(face(0, 0, 100, 100), face(80, 80, 120, 120))  # a quarter of the smaller one
    assert face(1, 2, 3, 4).box == (1, 2, 3, 4)


def test_the_most_confident_detection_of_a_face_stays():
    best, twin, other = face(0, 0, 10, 10, 0.9), face(1, 0, 11, 10, 0.8), face(20, 0, 30, 10, 0.5)
    assert distinct([other, twin, best], 9) == [best, other] and distinct([other, twin, best], 1) == [best]
    assert distinct([], 9) == []


def test_a_search_keeps_two_faces_beside_the_candidate_that_covers_both():
    both, first, again, second = (face(0, 0, 190, 100, 0.9), face(0, 0, 100, 100, 0.7), face(5, 0, 105, 100, 0.6),
                                  face(90, 0, 190, 100, 0.5))
    assert distinct([both, first, again, second], 9, is_same_box) == [both, first, second]
    assert distinct([both, first, again, second], 9) == [both]


def test_the_main_face_is_the_largest_of_the_confident_ones():
    small, large, faint = face(0, 0, 10, 10, 0.9), face(20, 0, 50, 30, 0.8), face(60, 0, 100, 40, 0.5)
    assert main_face([small, large, faint], (100, 100)) is large
    assert main_face([small, large, faint], (22, 100)) is small  # little of the large one is in the picture
