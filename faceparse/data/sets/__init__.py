"""The table of data sets. Each is one file here and one line below; the file's docstring states its layout.

To add a data set, write a file that defines a DataSet (data_set.py), and add it to the list.
"""
from faceparse.data.sets.celebamask import CELEBAMASK
from faceparse.data.sets.cihp import CIHP
from faceparse.data.sets.drawn import PORTRAIT, TOY, TOYWILD
from faceparse.data.sets.facesynthetics import FACESYNTHETICS, FACESYNTHETICS_BAKER2023
from faceparse.data.sets.folder import FOLDER
from faceparse.data.sets.helen import HELEN
from faceparse.data.sets.ibug_300w import IBUG_300W
from faceparse.data.sets.ibugmask import IBUGMASK
from faceparse.data.sets.labelme import LABELME
from faceparse.data.sets.lapa import LAPA
from faceparse.data.sets.mixed import mixes

DATA_SETS = {data_set.name: data_set for data_set in (
    TOY, TOYWILD, PORTRAIT,
    LAPA,
    HELEN,
    CELEBAMASK,
    FACESYNTHETICS, FACESYNTHETICS_BAKER2023,
    IBUGMASK,
    CIHP,
    IBUG_300W,
    FOLDER,
    LABELME,
)}
DATA_SETS |= {data_set.name: data_set for data_set in mixes(DATA_SETS)}
