"""The README's map of the package."""
import ast
import re
from pathlib import Path

TOP = Path(__file__).parents[1]


def modules_of(node):
    """The modules of faceparse that an import statement may mean, as "data/toy.py" or "models"."""
    if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "faceparse":
        for name in node.names:
            path = "/".join([*node.module.split(".")[1:], name.name])
            own = path if (TOP / "faceparse" / f"{path}.py").exists() else "/".join(node.module.split(".")[1:]) or path
            yield "models" if own.startswith("models") else f"{own}.py"


def test_a_module_imports_only_from_those_above_it_on_the_map():
    table = (TOP / "README.md").read_text().split("## Map")[1]
    rows = [re.findall(r"\(faceparse/([\w/.]+)\)", line.split("|")[1]) for line in table.splitlines() if line[:3] == "| ["]
    row_of = {module: k for k, row in reversed(list(enumerate(rows))) for module in row}
    for file in (TOP / "faceparse").rglob("*.py"):
        name = str(file.relative_to(TOP / "faceparse"))
        name = "models" if name.startswith("models") else name
        for node in ast.walk(ast.parse(file.read_text())) if name != "__init__.py" else ():
            for module in modules_of(node):
                assert row_of[module] <= row_of[name], f"{name} imports {module}, which stands below it"
