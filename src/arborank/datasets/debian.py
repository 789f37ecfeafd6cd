"""The data set that comes with the package: descriptions of Debian packages, and what each depends on."""

from importlib.resources import as_file, files
from typing import NamedTuple

from .containers import TextData
from .jsonl import read_jsonl

__all__ = ["Debian", "load_debian"]


class Debian(NamedTuple):
    """What `load_debian` returns.

    Attributes
    ----------
    train, test : TextData
        A text describes a Debian package; its labels are the packages that it depends on.
    label_texts : dict of str to str
        What each label is: the summary of that package.
    """

    train: TextData
    test: TextData
    label_texts: dict[str, str]


def load_debian() -> Debian:
    """Read the shipped data set: 39,269 training and 9,403 test texts, 10,425 labels.

    Packages of one source are all in one part. Every label has training instances from two sources or more;
    the commonest, ``libc6``, is on 44 % of the texts. ``arborank/datasets/data/debian/NOTE`` gives source, rules and
    licence; ``tools/make_debian_data.py`` makes the set.

    Returns
    -------
    Debian
        ``train``, ``test`` and ``label_texts``.

    Examples
    --------
    >>> from arborank.datasets import load_debian
    >>> train, test, label_texts = load_debian()
    >>> len(train), len(test)
    (39269, 9403)
    >>> label_texts["zlib1g"]
    'compression library - runtime'
    """
    with as_file(files("arborank.datasets") / "data" / "debian") as folder:
        about = read_jsonl(folder / "labels.jsonl.xz")
        return Debian(
            read_jsonl(folder / "train.jsonl.xz"),
            read_jsonl(folder / "test.jsonl.xz"),
            {labels[0]: text for text, labels in zip(about.texts, about.labels, strict=True)},
        )
