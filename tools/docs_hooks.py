"""MkDocs: the pages of ``benchmarks/`` join the site, and links from a page in ``docs/`` to files beside it follow."""

import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

_ROOT = Path(__file__).parents[1]
_SOURCE = re.compile(r"\[([^]]+)\]\([^)]*\.(?:py|cpp|hpp)\)")


def on_files(files: Files, config: Any) -> Files:
    """Add the pages of measurements."""
    for path in sorted((_ROOT / "benchmarks").glob("*.md")):
        name = "overview.md" if path.name == "README.md" else path.name
        files.append(File.generated(config, f"benchmarks/{name}", abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    """Turn links that are right in the repository into links that are right on the site."""
    if page.file.src_uri.startswith("benchmarks/"):
        markdown = _SOURCE.sub(r"`\1`", markdown)  # code is not part of the site
        return markdown.replace("](../docs/", "](../").replace("](README.md", "](overview.md")
    return markdown.replace("](../benchmarks/", "](benchmarks/").replace("](../README.md", "](index.md")
