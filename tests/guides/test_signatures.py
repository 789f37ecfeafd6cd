"""Public signatures say what they take and return: few are left with Any."""

import ast
from pathlib import Path

import arborank

ROOT = Path(arborank.__file__).parent
MOST = 39


def public_functions(tree):
    """Functions and methods that a module exports: those in its ``__all__``, or without an underscore."""
    exported = None
    for node in tree.body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", None) == "__all__":
            exported = ast.literal_eval(node.value)
    for node in tree.body:
        name = getattr(node, "name", "_")
        if name.startswith("_") or (exported is not None and name not in exported):
            continue
        if isinstance(node, ast.ClassDef):
            for one in node.body:
                if isinstance(one, ast.FunctionDef) and (
                    not one.name.startswith("_") or one.name == "__init__"
                ):
                    yield f"{node.name}.{one.name}", one
        elif isinstance(node, ast.FunctionDef):
            yield node.name, node


def annotations(function):
    given = function.args
    every = [*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg]
    return [one.annotation for one in every if one and one.annotation] + [function.returns] * bool(
        function.returns
    )


def test_few_are_any():
    found = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in sorted(ROOT.rglob("*.py"))
        for name, function in public_functions(ast.parse(path.read_text(encoding="utf-8")))
        for annotation in annotations(function)
        for node in ast.walk(annotation)
        if isinstance(node, ast.Name) and node.id == "Any"
    ]
    assert len(found) <= MOST, "\n".join(found)
