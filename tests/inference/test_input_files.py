"""Which pictures and videos are read, what their results are called, and the boxes of faces."""
import json
import os
import shutil

import pytest

from faceparse.errors import FaceparseError
from faceparse.inference.input_files import find_files, unopened_notes

needs_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="no ffmpeg on the PATH")


def names(folder):
    return sorted(os.listdir(folder))


def test_several_faces_by_their_boxes(run, parser_run, photos, tmp_path):
    first, second = names(photos)
    (tmp_path / "boxes.csv").write_text(f"picture,x0,y0,x1,y1\n{first},10,10,45,50\nphotos/{first},50,20,90,80.5\n")
    status, out, err = run("evaluate.py", "--model", parser_run, "--images", photos, "--boxes", "boxes.csv")
    assert status == 0, err
    assert sum(name.startswith(f"{first[:-4]}_mask") for name in names("parsed")) == 3  # merged, and each
    faces = json.loads((tmp_path / f"parsed/{first[:-4]}.json").read_text())["faces"]
    assert [face["box"] for face in faces] == [[10, 10, 45, 50], [50, 20, 90, 80.5]]
    assert len(json.loads((tmp_path / f"parsed/{second[:-4]}.json").read_text())["faces"]) == 1


@pytest.mark.parametrize("line, message", [("nobody.png,1,2,30,40", "no picture of --images is called nobody.png"),
                                        ("{0},1,2,30", "line 2 is not picture,x0,y0,x1,y1"),
                                        ("{0},1,two,30,40", "line 2 is not picture"),
                                        ("{0},30,2,1,40", "is empty"), ("{0},nan,2,10,40", "is empty"),
                                        ("{0},100,2,150,40", "is not in"), ("{0},0,0,1e9,1e9", "is not in")])
def test_impossible_boxes_are_one_line(run, parser_run, photos, tmp_path, line, message):
    first = names(photos)[0]
    (tmp_path / "boxes.csv").write_text(f"{first},1,1,50,50\n{line.format(first)}\n")
    status, _, err = run("evaluate.py", "--model", parser_run, "--images", photos, "--boxes", "boxes.csv")
    assert status == 2 and err.count("\n") == 1 and "boxes.csv" in err and message in err
    assert not (tmp_path / "parsed").exists()


@pytest.mark.parametrize("text", ["", "picture,x0,y0,x1,y1\n", "{0},1O,2,40,50\n", "{0};1;2;40;50\n"])
def test_a_file_of_boxes_without_a_face_or_with_a_wrong_first_line_is_refused(run, parser_run, photos, tmp_path, text):
    (tmp_path / "boxes.csv").write_text(text.format(names(photos)[0]))
    status, _, err = run("evaluate.py", "--model", parser_run, "--images", photos, "--boxes", "boxes.csv")
    assert status == 2 and err.count("\n") == 1 and "boxes.csv" in err and "picture,x0,y0,x1,y1" in err


def test_boxes_of_a_missing_file_or_of_several_pictures_are_refused(run, parser_run, photos, tmp_path):
    status, _, err = run("evaluate.py", "--model", parser_run, "--images", photos, "--boxes", "none.csv")
    assert status == 2 and err.count("\n") == 1 and "none.csv" in err
    status, _, err = run("evaluate.py", "--model", parser_run, "--set", "toy", "--boxes", "none.csv")
    assert status == 2 and "--images" in err
    (photos / "more").mkdir()
    first = names(photos)[0]
    shutil.copy(photos / first, photos / "more" / first)
    (tmp_path / "boxes.csv").write_text(f"{first},1,1,50,50\n")
    status, _, err = run("evaluate.py", "--model", parser_run, "--images", photos, "--boxes", "boxes.csv")
    assert status == 2 and "more than one picture" in err
    (tmp_path / "boxes.csv").write_text(f"more/{first},1,1,50,50\n")
    assert run("evaluate.py", "--model", parser_run, "--images", photos, "--boxes", "boxes.csv")[0] == 0


@needs_ffmpeg
def test_boxes_are_for_pictures(run, landmark_run, clip, tmp_path):
    (tmp_path / "boxes.csv").write_text("clip.mp4,1,1,50,50\n")
    status, _, err = run("evaluate.py", "--model", landmark_run, "--images", clip, "--boxes", "boxes.csv")
    assert status == 2 and err.count("\n") == 1 and "is a video" in err


def test_folders_without_pictures_and_names_that_collide(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(FaceparseError, match="holds no picture"):
        find_files([tmp_path / "empty"], tmp_path / "out")
    for name in ("a.png", "a.jpg", "._a.png"):
        (tmp_path / name).touch()
    files = find_files([tmp_path / "a.png", tmp_path / "a.jpg", tmp_path, tmp_path / "a.png"], tmp_path / "out")
    assert [(file.name, str(stem)) for file, stem in files] == [("a.png", "a"), ("a.jpg", "a.jpg")]


def test_results_are_neither_read_again_nor_written_among_the_pictures(run, parser_run, photos, tmp_path):
    for _ in range(2):
        status, out, _ = run("evaluate.py", "--model", parser_run, "--images", tmp_path)
        assert status == 0 and "2 files" in out
    for out in (photos, "photos"):
        status, _, err = run("evaluate.py", "--model", parser_run, "--images", photos, "--out", out)
        assert status == 2 and err.count("\n") == 1 and "name another folder" in err and len(names(photos)) == 2
    (tmp_path / "here.png").write_bytes((photos / names(photos)[0]).read_bytes())
    status, _, err = run("evaluate.py", "--model", parser_run, "--images", "here.png", "--out", ".")
    assert status == 2 and "name another folder" in err


def test_pictures_of_formats_that_are_not_opened_are_counted_and_named(tmp_path):
    for name in ("a.heic", "b.JXL"):
        (tmp_path / name).touch()
    note = f"{tmp_path}: 2 pictures are not read (a.heic, b.JXL); convert to JPEG or PNG"
    with pytest.raises(FaceparseError) as error:
        find_files([tmp_path], tmp_path / "out")
    assert str(error.value) == note
    for name in ("c.jfif", "d.jpe", "e.png", "e.PNG"):
        (tmp_path / name).touch()
    assert len(find_files([tmp_path], tmp_path / "out")) == 4
    assert unopened_notes([tmp_path, tmp_path / "e.png"]) == [note]
