"""What is wrong with a data set, before a network learns it: files, sizes, values, class shares, left and right.

    result = audit(load("celebamask", "all", root))       # a plain dict of JSON values
    print(text(result))
    suspects_sheet(faces, result).save("suspects.png")
    faces = mended(faces, result)                         # swaps the reversed classes as the masks are read

records.py checks the files of one record, sides.py finds masks whose left and right are reversed, collect.py makes a
dict of both for a whole set, report.py shows it, and files.py
writes what `train.py --check` leaves.
"""
from faceparse.data.audit.collect import audit, mended
from faceparse.data.audit.files import write_report
from faceparse.data.audit.report import suspects_sheet, text
