"""The house keeps its plan: rooms without circles, no private names across them, nothing loose at the root."""

import ast
import re
from graphlib import TopologicalSorter
from pathlib import Path

import arborank

ROOT = Path(arborank.__file__).parent
AT_THE_ROOT = {"__init__", "__main__", "_native"}


def imports():
    """Every import of the package: (module, imported module, name)."""
    for path in sorted(ROOT.rglob("*.py")):
        place = ("arborank", *path.relative_to(ROOT).with_suffix("").parts)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                above = place[: len(place) - node.level] if node.level else ()
                target = (*above, *(node.module or "").split(".")) if node.module else above
                if target[0] == "arborank":
                    yield from (("/".join(place[1:]), target[1:], alias.name) for alias in node.names)


def room(module):
    return module.split("/")[0]


def test_rooms_have_no_circles():
    uses = {}
    for module, target, name in imports():
        other = target[0] if target else name
        if room(module) not in AT_THE_ROOT and other not in {room(module), "_native", "__version__"}:
            uses.setdefault(room(module), set()).add(other)
    order = list(TopologicalSorter(uses).static_order())  # CycleError, which names the circle
    assert order[0] == "core"
    assert {"linear", "text", "cli"} <= set(order)
    assert len(order) <= 25


def test_rooms_import_only_rooms_above_them_in_the_table():
    table = (Path(__file__).parents[2] / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`\w+/`(?:, `\w+/`)*) \|", table, flags=re.M)
    order = [name for row in rows for name in re.findall(r"`(\w+)/`", row)]
    rooms = {path.parent.name for path in ROOT.glob("*/__init__.py")} - AT_THE_ROOT
    assert rooms <= set(order)
    for module, target, name in imports():
        other = target[0] if target else name
        if room(module) in rooms and other in rooms - {room(module)}:
            assert order.index(other) < order.index(room(module)), f"{module} imports {other}"


def test_no_private_name_leaves_its_room():
    private = [
        (module, *target, name)
        for module, target, name in imports()
        if target
        and target[0] not in {room(module), "_native"}
        and any(part.startswith("_") for part in (*target, name))
    ]
    assert private == []


def test_nothing_is_loose_at_the_root():
    loose = {path.stem for path in ROOT.glob("*.py")} - AT_THE_ROOT
    assert loose == set()
