"""F1, IoU and accuracy of label maps (f1.py); NME, AUC and failure rate of landmarks (nme.py)."""
from faceparse.metrics.f1 import HELEN_MERGED, Scores, confusion, helen_overall, mean, scores, scores_per_image
from faceparse.metrics.nme import (NORMALISATIONS, THRESHOLDS, auc, default_length, error_curve, face_length,
                                   failure_rate, nme, point_errors, region_nme, summary)
