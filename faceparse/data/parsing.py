"""Readers of face parsing data sets, each as its publisher lays it out: one function a layout -> a FaceSet.

    faces = load("lapa", "train", root="data")        # data/lapa/train/images/*.jpg, ...

`root` holds one folder a data set, by a name in PUBLISHED; where the files tell, `root` may be that folder itself. No
file is opened while listing, but for the lists and maps that decide the splits.

A split never depends on a run's seed: two runs with different seeds are scored on the same faces, and a face once held
out stays held out. Where a publisher gives no split, the order is a fixed random one and `FaceSet.note` says so.
"""
import os
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
from PIL import Image

from faceparse.data.drawn import toy
from faceparse.data.masks import read_grey, read_mask
from faceparse.data.points import read_box, read_points, read_text
from faceparse.data.records import FaceSet, Record
from faceparse.data.sets import labelme
from faceparse.data.sets.cihp import people
from faceparse.data.splits import (SPLITS, SPLIT_SEED, Published, all_splits, check_limit, find_home, fixed_order,
                                   list_pictures, one_of, portion, sample, split_folder, tenths)
from faceparse.errors import FaceparseError, NoSuchSplit
from faceparse.labels import LABEL_SETS, label_set
from faceparse.landmark_sets import landmark_set

# baker2023, section 3.1.2, after Smith et al. 2013: faces of train, val and test of every set but LaPa.
BAKER2023_COUNTS = (2000, 230, 100)

PUBLISHED = {
    "lapa": Published(
        ("lapa", "LaPa"), ("train/labels", "val/labels", "test/labels"),
        "{train,val,test}/ with images/NAME.jpg, labels/NAME.png and landmarks/NAME.txt",
        "https://github.com/JDAI-CV/lapa-dataset"),
    "helen": Published(
        ("helen", "SmithCVPR2013_dataset_resized", "SmithCVPR2013_dataset_original"), ("exemplars.txt", "testing.txt"),
        "images/NAME.jpg, labels/NAME/NAME_lbl00.png to _lbl10.png, exemplars.txt, tuning.txt, testing.txt, and for "
        "landmarks annotation/*.txt",
        "http://pages.cs.wisc.edu/~lizhang/projects/face-parsing/ (annotation: "
        "http://www.ifp.illinois.edu/~vuongle2/helen/)"),
    "celebamask": Published(
        ("celebamask", "CelebAMask-HQ"),
        ("CelebAMask-HQ-mask-anno", "train/masks", "val/masks", "test/images", "0.jpg"),
        "CelebA-HQ-img/ and CelebAMask-HQ-mask-anno/{0..14}/, or N.jpg with N.png, or {train,val,test}/{images,masks}",
        "https://github.com/switchablenorms/CelebAMask-HQ"),
    "facesynthetics": Published(
        ("facesynthetics", "FaceSynthetics", "dataset_100000", "dataset_1000", "dataset_100"), ("000000_seg.png",),
        "NNNNNN.png, NNNNNN_seg.png and NNNNNN_ldmks.txt",
        "https://github.com/microsoft/FaceSynthetics"),
    "ibugmask": Published(
        ("ibugmask", "ibugmask_release"), (),
        "{train,test}/ with NAME.jpg, NAME.png, NAME_bbox.txt and NAME_landmark.txt",
        "https://github.com/hhj1897/face_parsing"),
    "cihp": Published(
        ("cihp", "CIHP", "instance-level_human_parsing"), ("Training/Category_ids",),
        "{Training,Validation}/ with Images/NAME.jpg, Category_ids/NAME.png and Human_ids/NAME.png",
        "http://sysu-hcp.net/lip/overview.php"),
    "folder": Published(
        ("folder",), ("labels.json",),
        "labels.json (the label set), images/ and masks/NAME.png, both perhaps inside train/, val/ and test/",
        "the README"),
    "labelme": labelme.PUBLISHED,
}


def load(name, split, root, *, seed=0, limit=None, mix="5:5", mix_real="lapa", full=False, helen_rule="maximum",
         toy_size=128):
    """A split of a data set as a FaceSet. Raises FaceparseError where it is missing, saying what belongs where.

    name        one of READERS
    split       "train", "val", "test", or "all" of them; ibugmask has "heldout" as well
    root        the folder that holds the data sets, or the data set's own
    seed        of the sample that limit takes, and of toy faces; never of a split
    limit       at most so many faces: the same for the same seed, in the set's order. Toy faces have no end but this
    mix         for mixed and toymixed: synthetic:real (baker2023 found 5:5 the best); mix_real: the real set's name
    full        for facesynthetics and ibugmask: train on every picture that is not held out, not on baker2023's 2,000
    helen_rule  how Helen's eleven confidences become one label: "maximum", or baker2023's "threshold"
    toy_size    side in pixels at which toy faces are drawn
    """
    if name not in READERS:
        raise FaceparseError(f"no data set is called '{name}': use one of {', '.join(READERS)}")
    check_limit(limit)
    options = {"seed": seed, "limit": limit, "mix": mix, "mix_real": mix_real, "full": full, "helen_rule": helen_rule,
               "toy_size": toy_size}
    read = partial(READERS[name], Path(root), **options)
    faces = all_splits(read) if split == "all" else read(split)
    if not faces.records:
        raise NoSuchSplit(f"{name}: its split '{split}' is empty; add pictures, or name another split")
    return replace(faces, records=sample(faces.records, limit, seed))


def lapa(root, split, **_):
    """LaPa (Liu et al. 2020, JD AI): 18,176 / 2,000 / 2,000 faces of 11 classes with 106 landmarks, for non-commercial
    research only.

    {train,val,test}/{images/NAME.jpg, labels/NAME.png, landmarks/NAME.txt}. Pictures without labels/ have no mask.
    """
    folder = split_folder(_home("lapa", root), split)
    records = pictures_with(folder, split, "labels", LABEL_SETS["lapa"], points=landmark_set("106"))
    return FaceSet("lapa", split, LABEL_SETS["lapa"], landmark_set("106"), records)


def helen(root, split, helen_rule="maximum", **_):
    """Helen for parsing (Smith et al. 2013, University of Wisconsin; pictures and points: Le et al. 2012, University of
    Illinois): 2,000 / 230 / 100 faces, listed as exemplars, tuning and testing; 11 classes, 194 landmarks. Research.

    images/NAME.jpg; labels/NAME/NAME_lblKK.png, KK = 00..10, confidences 0..255; lists of `index , NAME`;
    annotation/*.txt of the original Helen, each with its picture's name in the first line and 194 lines `x , y`.
    """
    home, points = _home("helen", root), landmark_set("194")
    annotations = _helen_annotations(home / "annotation")
    records = []
    for name in _helen_list(home / f"{one_of(split, train='exemplars', val='tuning', test='testing')}.txt"):
        parts = home / "labels" / name / name
        annotation = annotations.get(name)
        records.append(Record(
            f"{split}/{name}", home / "images" / f"{name}.jpg", partial(read_confidences, parts, helen_rule),
            partial(read_helen_points, annotation, parts) if annotation else None, None, LABEL_SETS["helen"], points))
    return FaceSet("helen", split, LABEL_SETS["helen"], points, records)


def celebamask(root, split, **_):
    """CelebAMask-HQ (Lee et al. 2020, CUHK): 30,000 faces of 19 classes, for non-commercial research only.

    As published: CelebA-HQ-img/N.jpg (1024 x 1024), CelebAMask-HQ-mask-anno/{N // 2000}/NNNNN_PART.png (512 x 512);
    merged by the publisher's tool: N.jpg and N.png side by side; or {train,val,test}/{images,masks}, as the two course
    reports (li2022 and zhou2025) have it, where a test folder has no masks.
    The split of the first two is CelebA's, 24,183 / 2,993 / 2,824, where CelebA-HQ-to-CelebA-mapping.txt lies there;
    without it, a fixed random one of the same proportions.
    """
    home, labels = _home("celebamask", root), LABEL_SETS["celebamask"]
    if any((home / s / "images").is_dir() for s in SPLITS):
        records = pictures_with(split_folder(home, split), split, "masks", labels)
        return FaceSet("celebamask", split, labels, None, records)
    annotations = home / "CelebAMask-HQ-mask-anno"
    as_published = annotations.is_dir()
    images = list_pictures(home / "CelebA-HQ-img" if as_published else home, {".jpg"}, PUBLISHED["celebamask"].layout)
    chosen, note = _celeba_split(images, home / "CelebA-HQ-to-CelebA-mapping.txt", split)
    records = []
    for stem in chosen:
        if as_published and not stem.isdecimal():
            raise FaceparseError(f"{images[stem]}: not a number, as the publisher's pictures are; rename or remove it")
        mask = (partial(read_parts, f"{annotations}/{int(stem) // 2000}/{stem.zfill(5)}", labels) if as_published
                else partial(read_mask, f"{home}/{stem}.png", labels))
        records.append(Record(f"{split}/{stem}", Path(images[stem]), mask, None, None, labels, None))
    return FaceSet("celebamask", split, labels, None, records, note)


def facesynthetics(root, split, full=False, labels=LABEL_SETS["facesynthetics"], **_):
    """FaceSynthetics (Wood et al. 2021, Microsoft): 100,000 rendered faces, 19 classes and 255, 70 landmarks, for
    non-commercial research only. A sample of 100 and one of 1,000 are published too.

    NNNNNN.png, NNNNNN_seg.png, NNNNNN_ldmks.txt in one folder. baker2023 takes the first 2,330: 2,000 / 230 / 100, in
    order; of fewer, the same proportions. full: train on all the others as well; val and test stay as they are.
    labels: facesynthetics-baker2023 ignores the classes that LaPa lacks, as baker2023 did, once told in LaPa's.
    """
    home, points = _home("facesynthetics", root), landmark_set("70")
    images = {stem: path for stem, path in list_pictures(home, {".png"}, PUBLISHED["facesynthetics"].layout).items()
              if not stem.endswith("_seg")}
    records = [Record(f"{split}/{stem}", Path(images[stem]), partial(read_mask, f"{home}/{stem}_seg.png", labels),
                      partial(read_corner_points, f"{home}/{stem}_ldmks.txt", points.count), None, labels, points)
               for stem in portion(list(images), BAKER2023_COUNTS, SPLITS, split, full)]
    return FaceSet(labels.name, split, labels, points, records, _fewer(len(images)))


def read_corner_points(path, count):
    """FaceSynthetics counts pixels from the picture's corner: the first one's centre is (0.5, 0.5). Nobody says so, but
    the masks of its eyes lie half a pixel to the left of, and above, their points (tests/test_annotate.py)."""
    return read_points(path, count) - np.float32(0.5)


def ibugmask(root, split, full=False, **_):
    """iBugMask (Lin et al. 2021, Imperial College): train 21,866 faces (Helen-LP: Helen's, turned in 3-D to larger
    poses), test 1,000 photos in the wild; 11 classes, 68 landmarks, a face box. Research.

    {train,test}/NAME.jpg, NAME.png, NAME_bbox.txt, NAME_landmark.txt. There is no val split: as baker2023, train and
    val are 2,000 and 230 faces drawn at random from train, and heldout 100 more; test is the published one. full: train
    on all but val and heldout. The poses of one Helen photo may fall on both sides, as they did in baker2023.
    """
    home, labels, points = _home("ibugmask", root), LABEL_SETS["ibugmask"], landmark_set("68")
    folder = split_folder(home, "test" if split == "test" else "train")
    images = list_pictures(folder, {".jpg"}, PUBLISHED["ibugmask"].layout)
    stems, note = list(images), ""
    if split != "test":
        stems = sorted(portion(fixed_order(stems), BAKER2023_COUNTS, ("train", "val", "heldout"), split, full))
        note = _fewer(len(images))
    records = [Record(f"{split}/{stem}", Path(images[stem]), partial(read_mask, f"{folder}/{stem}.png", labels),
                      partial(read_points, f"{folder}/{stem}_landmark.txt", points.count),
                      partial(read_box, f"{folder}/{stem}_bbox.txt"), labels, points) for stem in stems]
    return FaceSet("ibugmask", split, labels, points, records, note)


def cihp(root, split, seed=0, limit=None, **_):
    """CIHP (Gong et al. 2018): a record a person, 20 classes; see data/cihp.py."""
    return FaceSet("cihp", split, LABEL_SETS["cihp"], None, people(_home("cihp", root), split, limit, seed))


def mixed(root, split, mix="5:5", mix_real="lapa", synthetic="facesynthetics", limit=None, **options):
    """baker2023's domain mix: FaceSynthetics and a real set at synthetic:real, 2,000 / 230 / 100 in all, or as many as
    keep the ratio, or `limit`. Every record keeps its own labels and landmarks; those of the set are LaPa's.
    """
    shares = mix.split(":")
    if len(shares) != 2 or not all(share.isdecimal() for share in shares) or not any(map(int, shares)):
        raise FaceparseError(f"'{mix}' is no mix; it should be synthetic:real, such as 8:2")
    reals = [name for name in (*PUBLISHED, "toywild") if name != synthetic]
    if mix_real not in reals:
        raise FaceparseError(f"'{mix_real}' cannot be mixed in as the real set; use one of {', '.join(reals)}")
    synthetic_share, real_share = map(int, shares)
    sets = [load(name, split, root, **options) if share else None
            for name, share in ((synthetic, synthetic_share), (mix_real, real_share))]
    wanted = BAKER2023_COUNTS[SPLITS.index(one_of(split, train="train", val="val", test="test"))]
    parts = synthetic_share + real_share
    total = min([limit or wanted, wanted] + [len(faces.records) * parts // share for faces, share
                                             in zip(sets, (synthetic_share, real_share)) if share])
    count = total * synthetic_share // parts
    chosen = [replace(record, name=f"{faces.name}/{record.name}") for faces, count in zip(sets, (count, total - count))
              if count for record in sample(faces.records, count, SPLIT_SEED)]
    points = {record.points for record in chosen}
    note = f"{total} faces at {mix}: there are not enough for {limit or wanted:,}" if total < (limit or wanted) else ""
    return FaceSet("mixed", split, LABEL_SETS["lapa"], points.pop() if len(points) == 1 else None, chosen, note,
                   sources=tuple(faces.name for faces in sets if faces))


def toymixed(root, split, mix_real=None, **options):
    """The domain mix of toy faces, clean ones for the synthetic and wild ones for the real, at synthetic:real."""
    return replace(mixed(root, split, mix_real="toywild", synthetic="toy", **options), name="toymixed")


def folder(root, split, **_):
    """A user's own pictures: labels.json (see `labels.label_set`), images/ of any format, and masks/NAME.png where
    there are masks; either inside train/, val/ and test/, or not, and then a fixed random 8:1:1 of them is each split.
    """
    home = _home("folder", root)
    labels = label_set(home / "labels.json")
    if any((home / s).is_dir() for s in SPLITS):
        records, note = pictures_with(split_folder(home, split), split, "masks", labels), ""
    else:
        records, note = tenths(pictures_with(home, split, "masks", labels), split), _random_split("folder")
    return FaceSet("folder", split, labels, None, records, note)


def toy_faces(root, split, wild, seed=0, limit=None, toy_size=128, **_):
    """Faces drawn from code (data/toy.py), clean or "in the wild": the set that is always there, of any length."""
    first = one_of(split, train=0, val=1_000_000, test=2_000_000)  # splits of one endless row of faces
    count = min(limit or BAKER2023_COUNTS[SPLITS.index(split)], 1_000_000)
    labels, points = LABEL_SETS["lapa"], landmark_set("106")
    records = []
    for index in range(first, first + count):
        face = (seed, index, toy_size, wild)
        records.append(Record(f"{split}/{index}", partial(draw_image, *face), partial(draw_mask, *face),
                              partial(draw_landmarks, *face), None, labels, points))
    return FaceSet("toywild" if wild else "toy", split, labels, points, records)


READERS = {
    "toy": partial(toy_faces, wild=False),
    "toywild": partial(toy_faces, wild=True),
    "lapa": lapa,
    "helen": helen,
    "celebamask": celebamask,
    "facesynthetics": facesynthetics,
    "facesynthetics-baker2023": partial(facesynthetics, labels=LABEL_SETS["facesynthetics-baker2023"]),
    "ibugmask": ibugmask,
    "cihp": cihp,
    "mixed": mixed,
    "toymixed": toymixed,
    "folder": folder,
    "labelme": labelme.faces,
}


def read_confidences(stem, rule="maximum"):
    """Helen's STEM_lbl00.png to STEM_lbl10.png -> (H, W) uint8 labels.

    rule  "maximum": the part of the highest confidence, the lower number where two are equal; "threshold" (baker2023,
          section 3.1.2): every part above 127, later parts over earlier ones
    """
    if rule not in ("maximum", "threshold"):
        raise FaceparseError(f"'{rule}' is no rule for Helen's confidences; use maximum or threshold")
    mask = None
    for part in range(len(LABEL_SETS["helen"])):
        confidence = read_grey(f"{stem}_lbl{part:02d}.png")  # (H, W)
        if mask is None:
            mask, highest = np.zeros(confidence.shape, np.uint8), confidence
            continue
        _same_size(mask, confidence, f"{stem}_lbl{part:02d}.png")
        mask[confidence > (highest if rule == "maximum" else 127)] = part
        highest = np.maximum(highest, confidence)
    return mask


def read_helen_points(path, stem):
    """The 194 points of a Helen annotation file -> (194, 2) float32 in pixels of the picture that the labels belong to.

    The annotation counts pixels of the original photo, which Smith et al. also publish scaled down, by a factor that
    they do not tell. Their labels come from these very contours, so the factor is what takes the box of the annotated
    brows, eyes, nose and lips to the box of the labelled ones.
    """
    points = read_points(path, landmark_set("194").count)
    parts = read_confidences(stem)
    rows, columns = ((parts >= 2) & (parts <= 9)).nonzero()  # brows, eyes, nose, lips and the mouth
    if not len(rows):
        return points
    labelled = np.array([columns.min(), rows.min(), columns.max(), rows.max()]) + 0.5
    inner = points[41:]  # all but the jaw
    annotated = np.concatenate([inner.min(0), inner.max(0)]) + 0.5
    scale = (labelled @ annotated) / (annotated @ annotated)
    return points if abs(scale - 1) < 0.03 else ((points + 0.5) * scale - 0.5).astype(np.float32)


def read_parts(stem, labels):
    """CelebAMask-HQ's STEM_PART.png, one binary picture a part -> (H, W) uint8.

    Parts are painted in the order of the classes, later over earlier, as the publisher's g_mask.py does. A part that is
    not in the picture has no file.
    """
    mask = None
    for index, part in enumerate(labels.names[1:], 1):
        path = f"{stem}_{part}.png"
        if not os.path.exists(path):
            continue
        inside = read_grey(path) > 0
        mask = np.zeros(inside.shape, np.uint8) if mask is None else mask
        _same_size(mask, inside, path)
        mask[inside] = index
    if mask is None:
        raise FaceparseError(f"{stem}_*.png: not one part of the face is there; unpack the masks again")
    return mask


def _same_size(mask, part, path):
    if part.shape != mask.shape:
        raise FaceparseError(f"{path}: {part.shape[1]} x {part.shape[0]}, but the face's other parts are "
                             f"{mask.shape[1]} x {mask.shape[0]}; replace it")


@lru_cache(maxsize=16)  # picture, mask and landmarks of one face are asked for one after the other, by a few threads
def _drawn(seed, index, size, wild):
    return toy.draw(seed, index, size, wild)


def draw_image(*face):
    return Image.fromarray(_drawn(*face)[0])


def draw_mask(*face):
    return _drawn(*face)[1].copy()


def draw_landmarks(*face):
    return _drawn(*face)[2].copy()


def _home(name, root):
    return find_home(name, PUBLISHED[name], root)


def pictures_with(folder, split, masks, labels, points=None):
    """Records of a folder with images/, its `masks` folder and, where `points` is given, landmarks/; named alike.

    Where one of the latter two folders does not exist, nobody annotated; where only a file is missing, reading fails.
    """
    has_masks, has_points = (folder / masks).is_dir(), points is not None and (folder / "landmarks").is_dir()
    return [Record(f"{split}/{stem}", Path(path),
                   partial(read_mask, f"{folder}/{masks}/{stem}.png", labels) if has_masks else None,
                   partial(read_points, f"{folder}/landmarks/{stem}.txt", points.count) if has_points else None,
                   None, labels, points) for stem, path in list_pictures(folder / "images").items()]


def _fewer(count):
    return f"{count} faces: baker2023's 2,000 / 230 / 100 in proportion" if count < sum(BAKER2023_COUNTS) else ""


def _random_split(name):
    return f"{name}: no published split here, so a fixed random one"


def _helen_list(path):
    """Names of a list of `index , NAME` lines."""
    names = []
    for number, line in enumerate(read_text(path), 1):
        if line:
            name = line.split(",")[-1].strip()
            if line.count(",") != 1 or not name:
                raise FaceparseError(f"{path}, line {number}: {line[:40]!r} should be `index , NAME`; correct it")
            names.append(name)
    return names


def _helen_annotations(folder):
    """{picture name: annotation file}; the files are numbered, and only their first line says whose they are."""
    if not folder.is_dir():
        return {}
    files = {}
    for path in sorted(folder.glob("*.txt")):
        files[(read_text(path) or [""])[0]] = path
    return files


def _celeba_split(images, mapping, split):
    """The stems of `images` (CelebA-HQ numbers) of a split, ascending, and a note where the mapping is not there.

    The mapping's lines are `index, index in CelebA, file in CelebA`, after a heading. CelebA's partition: files 000001
    to 162770 are train, to 182637 val, to 202599 test. (The publisher's g_partition.py compares the index, which counts
    from 0, with these numbers plus 1, so that the first file of val and of test would fall to the split before.)
    """
    one_of(split, train=0, val=1, test=2)
    stems = sorted(images, key=lambda stem: (len(stem), stem))
    if not mapping.is_file():
        chosen = set(portion(fixed_order(stems), (24183, 2993, 2824), SPLITS, split))
        return [stem for stem in stems if stem in chosen], _random_split("celebamask") + f" ({mapping.name} is missing)"
    split_of = {}
    for number, line in enumerate(read_text(mapping), 1):
        words = line.split()
        if not words or words[0] == "idx":
            continue
        file = words[-1].partition(".")[0]
        if len(words) != 3 or not (words[0].isdecimal() and file.isdecimal() and len(file) < 20):
            raise FaceparseError(f"{mapping}, line {number}: {line[:40]!r} should be two numbers and a file; "
                                 "replace it")
        split_of[words[0]] = "train" if int(file) <= 162770 else "val" if int(file) <= 182637 else "test"
    unknown = [stem for stem in stems if stem not in split_of]
    if unknown:
        raise FaceparseError(f"{images[unknown[0]]}: not in {mapping.name}; remove the picture, or replace the mapping")
    return [stem for stem in stems if split_of[stem] == split], ""
