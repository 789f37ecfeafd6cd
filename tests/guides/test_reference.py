"""The reference has every public name, and no name that is not there."""

import importlib
import pkgutil
import re
from pathlib import Path

import pytest

import arborank

PAGES = Path(__file__).parents[2] / "docs" / "reference"
LISTED = set(re.findall(r"^::: (\S+)$", "\n".join(p.read_text() for p in PAGES.glob("*.md")), flags=re.M))
GUIDES = [PAGES.parents[1] / "CONTRIBUTING.md", *sorted(PAGES.parent.glob("*.md"))]
ROOMS = [
    "arborank.autocomplete",
    "arborank.datasets",
    "arborank.features",
    "arborank.indexing",
    "arborank.metrics",
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


@pytest.mark.parametrize("name", sorted(LISTED))
def test_listed_name_exists(name):
    if name.endswith((".Encoder", ".scratch_encoder")):
        pytest.importorskip("torch")
    assert resolve(name).__doc__


@pytest.mark.parametrize("room", ["arborank", *ROOMS])
def test_public_names_are_listed(room):
    last = {name.rpartition(".")[2] for name in LISTED}
    missing = [name for name in importlib.import_module(room).__all__ if name not in last and name != "PARTS"]
    assert not missing


def test_rooms_are_there():
    assert {f"arborank.{m.name}" for m in pkgutil.iter_modules(arborank.__path__)} >= set(ROOMS)


@pytest.mark.parametrize("page", GUIDES, ids=lambda page: page.name)
def test_files_and_names_in_the_guides_exist(page):
    root = PAGES.parents[1]
    text = page.read_text(encoding="utf-8")
    for path in re.findall(r"`((?:\w+/)+\w+\.(?:py|hpp|cpp))`", text):
        assert (root / "src/arborank" / path).exists() or (root / path).exists(), path
    for name in set(re.findall(r"`(arborank(?:\.\w+)+)`", text)):
        assert resolve(name) is not None
