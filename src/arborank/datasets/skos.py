"""Vocabularies in SKOS: the names of every concept, by its URI; needs the extra ``skos``."""

from collections.abc import Sequence

from .lines import StrPath, open_bytes, suffix

__all__ = ["SKOS", "read_skos"]

SKOS = {".ttl": "turtle", ".rdf": "xml", ".nt": "nt", ".jsonld": "json-ld"}
_NAMES = ("prefLabel", "altLabel")  # in the order of the answer


def read_skos(path: StrPath, language: str | Sequence[str] | None = None) -> dict[str, list[str]]:
    """Read the names of every concept that is in use: preferred ones first, then others.

    Give them to `TextRanker` as ``label_texts`` where labels are URIs.

    Parameters
    ----------
    path : path-like
        Turtle (``.ttl``), RDF/XML (``.rdf``), N-Triples (``.nt``) or JSON-LD (``.jsonld``), packed or not.
    language : str or list of str, optional
        Such as ``"fi"``, which ``"fi-FI"`` belongs to, too, or ``["fi", "sv"]``. By default names of all languages, and
        those without one.

    Returns
    -------
    dict of str to list of str
        Names by URI, both in the order of the alphabet. Concepts that are deprecated, or have no name in the language,
        are left out.

    Raises
    ------
    ImportError
        If rdflib is not installed.
    ValueError
        If the file is damaged, has another extension, or holds no concept with a name, or one without a URI; with the
        languages that there are, if none is in ``language``.
    """
    kind = SKOS.get(suffix(path))
    if kind is None:
        raise ValueError(f"{path}: unknown extension {suffix(path)!r}; one of {', '.join(SKOS)} was expected")
    try:
        import rdflib
        from rdflib.namespace import OWL
        from rdflib.namespace import SKOS as TERMS
    except ImportError as error:
        raise ImportError("reading SKOS needs rdflib: pip install 'arborank[skos]'") from error
    graph = rdflib.Graph()
    with open_bytes(path) as file:
        content = file.read()
    try:
        graph.parse(data=content, format=kind)
    except Exception as error:  # the parsers share no class of errors
        raise ValueError(f"{path} cannot be read as {kind}: {error}") from error
    gone = {
        concept
        for concept, _, value in graph.triples((None, OWL.deprecated, None))
        if str(value).lower() in ("true", "1")
    }
    wanted = None if language is None else [language] if isinstance(language, str) else list(language)
    names: dict[str, list[str]] = {}
    languages: set[str] = set()
    for term in _NAMES:
        found: list[tuple[str, str]] = []
        for concept, _, name in graph.triples((None, TERMS[term], None)):
            if concept in gone or not _speaks(getattr(name, "language", None), wanted, languages):
                continue
            if not isinstance(concept, rdflib.URIRef):
                raise ValueError(f"{path}: the concept with the name {str(name)!r} has no URI")
            found.append((str(concept), str(name)))
        for uri, told in sorted(set(found)):
            names.setdefault(uri, []).append(told)
    if not names:
        spoken = f"; its languages are {', '.join(sorted(languages))}" if languages else ""
        kind = "a name" if wanted is None else f"a name in {' or '.join(map(repr, wanted))}"
        raise ValueError(f"{path} has no concept with {kind}{spoken}")
    return {uri: list(dict.fromkeys(names[uri])) for uri in sorted(names)}


def _speaks(found: str | None, wanted: Sequence[str] | None, languages: set[str]) -> bool:
    if found is not None:
        languages.add(found)
    if wanted is None:
        return True
    return found is not None and found.lower().split("-")[0] in [one.lower() for one in wanted]
