"""The stub of the native kernels has the names that they have."""

import ast
import importlib
from pathlib import Path

import arborank._native

STUB = Path(arborank._native.__file__).with_suffix(".pyi")


def declared(body):
    """Names and, of classes, the names in them."""
    found = {}
    for node in body:
        if isinstance(node, ast.ClassDef):
            found[node.name] = declared(node.body).keys()
        elif isinstance(node, ast.FunctionDef):
            found[node.name] = None
        elif isinstance(node, ast.AnnAssign):
            found[node.target.id] = None
        elif isinstance(node, ast.Assign):
            found[node.targets[0].id] = None
    return found


def test_the_stub_is_current():
    module = importlib.import_module(f"arborank._native.kernels_{arborank._native.LEVEL}")
    stub = declared(ast.parse(STUB.read_text(encoding="utf-8")).body)
    public = {name: value for name, value in vars(module).items() if not name.startswith("_")}
    assert stub.keys() == public.keys() | {"LEVEL"}, "run tools/make_stubs.py"
    for name, value in public.items():
        if isinstance(value, type):
            members = {member for member in vars(value) if not member.startswith("_")}
            assert {member for member in stub[name] if not member.startswith("_")} == members, name
