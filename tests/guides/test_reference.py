"""The reference has every public name, and no name that is not there."""

import contextlib
import importlib
import pkgutil
import re
from pathlib import Path

import pytest

import arborank

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
REFERENCE = "\n".join(page.read_text(encoding="utf-8") for page in sorted((DOCS / "reference").glob("*.md")))
LISTED = re.findall(r"^::: (\S+)$", REFERENCE, flags=re.M)
GUIDES = [ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.glob("*.md"))]
INTERNAL = {"cli", "core", "_native"}
ROOMS = [
    room.name for room in pkgutil.iter_modules(arborank.__path__) if room.name not in {*INTERNAL, "__main__"}
]


def resolve(name):
    """Import the longest module in a dotted name, and take the rest as attributes."""
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:end]))
        except ImportError:
            continue
        for attribute in parts[end:]:
            found = getattr(found, attribute)
        return found
    raise ImportError(name)


def listed():
    """Return the last part of every listed name; a listed module has the names in its ``__all__``."""
    for name in LISTED:
        yield name.rpartition(".")[2]
        with contextlib.suppress(ImportError):
            yield from importlib.import_module(name).__all__


def test_no_name_is_listed_twice():
    assert sorted(LISTED) == sorted(set(LISTED))


@pytest.mark.parametrize("name", LISTED)
def test_listed_name_exists(name):
    if name.endswith((".Encoder", ".scratch_encoder")):
        pytest.importorskip("torch")
    assert resolve(name).__doc__


@pytest.mark.parametrize("room", ["", *ROOMS])
def test_public_names_are_listed(room):
    public = getattr(importlib.import_module(f"arborank.{room}".rstrip(".")), "__all__", [])
    assert set(public) <= set(listed())


def test_what_guides_and_examples_import_is_listed():
    texts = [
        path.read_text(encoding="utf-8") for path in (*GUIDES, *sorted((ROOT / "examples").glob("*.py")))
    ]
    lines = re.findall(r"^ *from arborank[.\w]* import ([\w, ]+)", "\n".join(texts), flags=re.M)
    names = {name.strip() for line in lines for name in line.split(",")}
    assert len(names) > 20
    assert names <= set(listed())


@pytest.mark.parametrize("page", GUIDES, ids=lambda page: page.name)
def test_files_in_the_guides_exist(page):
    for path in re.findall(r"`((?:\w+/)+\w+\.(?:py|hpp|cpp))`", page.read_text(encoding="utf-8")):
        assert (ROOT / "src/arborank" / path).exists() or (ROOT / path).exists(), path


def test_names_in_prose_exist():
    for page in (*GUIDES, *sorted((ROOT / "src/arborank").rglob("*.py"))):
        for name in set(re.findall(r"`(arborank(?:\.\w+)+)`", page.read_text(encoding="utf-8"))):
            assert resolve(name) is not None, f"{page.name}: {name}"
