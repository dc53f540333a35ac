"""The folders of the package import in one direction."""
import ast
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "faceparse"
# A folder or module imports only from those above it in this list, and from itself.
ORDER = ["errors", "files", "progress", "weights", "left_right", "labels", "landmark_sets", "geometry", "drawing", "data",
         "recipes", "losses", "models", "metrics", "training", "inference", "adaptation", "annotation", "evaluation",
         "papers", "scripts"]


def imported(file):
    """The folders or modules directly in faceparse/ that a file imports from."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "faceparse":
            parts = node.module.split(".")
            yield from [parts[1]] if len(parts) > 1 else [alias.name for alias in node.names]


def test_every_folder_and_module_has_its_place_in_the_order():
    there = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert there - {"__init__"} == set(ORDER)


def test_a_folder_imports_only_from_those_above_it():
    wrong = []
    for file in sorted(PACKAGE.rglob("*.py")):
        folder = file.relative_to(PACKAGE).parts[0].removesuffix(".py")
        if folder != "__init__":
            wrong += [f"{file.relative_to(PACKAGE)} imports {name}" for name in imported(file)
                      if ORDER.index(name) > ORDER.index(folder)]
    assert wrong == []
