"""The check of a data set before training: its files, sizes, values, class shares, landmarks, and left and right.

    result = audit(load("celebamask", "all", root))       # a plain dict of JSON values
    print(text(result))
    suspects_sheet(faces, result).save("suspects.png")
    faces = mended(faces, result)                         # swaps the reversed classes as the masks are read

records.py checks the files of one record, sides.py finds masks whose left and right are reversed, order.py a set in
another class order, points.py landmarks that do not fit, collect.py makes a dict of these for a whole set, and
report.py prints and writes it (`train.py --check`).
"""
from faceparse.data.audit.collect import audit, mended
from faceparse.data.audit.report import sets_to_check, suspects_sheet, text, write_report
