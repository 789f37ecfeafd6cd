"""Documents of labels: texts that are learned from as further instances of a label, beside those that have it.

The name of a label is such a document where names say something, and so is every text about a label.
"""

from collections.abc import Iterable, Mapping, Sequence

__all__ = ["documents_of", "joined"]


def documents_of(
    labels: Iterable[str], about: Mapping[str, Sequence[str]], names: bool
) -> dict[str, list[str]]:
    """Return the documents of every label: the texts about it and, with ``names``, its name; none that are blank."""
    return {
        label: [text for text in (*([label] if names else []), *about.get(label, ())) if text.strip()]
        for label in labels
    }


def joined(documents: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Return the documents of every label as one text."""
    return {label: "\n".join(texts) for label, texts in documents.items()}
