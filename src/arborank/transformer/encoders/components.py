"""What a ``tokenizer.json`` may ask for: known components, and texts that grow within bounds."""

import base64
import json
import unicodedata
from collections.abc import Iterator
from typing import Any

from ...core.types import Json

__all__ = ["check_components", "check_tokenizer_file", "components_of"]

_LONGEST_TOKEN = 256  # characters that a tokenizer adds on its own: special tokens, prefixes, suffixes
_MOST_COMPONENTS = 64
_MOST_PIECES = 16  # special tokens around a text
_LONGEST_WORD = 1000  # WordPiece needs time by its cube
_MOST_GROWTH = 4096  # XLNet's, with two tables of compatibility characters, may reach 1296
_COMPATIBILITY = 18  # characters that NFKD makes of U+FDFA, the most of any

_UNICODE = {"BertNormalizer", "Lowercase", "NFC", "NFD", "NFKC", "NFKD"}  # applied twice, they add nothing
_NORMALIZERS = _UNICODE | {
    "ByteLevel", "Nmt", "Precompiled", "Prepend", "Replace", "Sequence", "Strip", "StripAccents",
}  # fmt: skip
_PRE_TOKENIZERS = {
    "BertPreTokenizer", "ByteLevel", "CharDelimiterSplit", "Digits", "FixedLength", "Metaspace", "Punctuation",
    "Sequence", "Split", "UnicodeScripts", "Whitespace", "WhitespaceSplit",
}  # fmt: skip
_POST_PROCESSORS = {"BertProcessing", "ByteLevel", "RobertaProcessing", "Sequence", "TemplateProcessing"}
_KINDS = {
    "normalizer": (_NORMALIZERS, "normalizers"),
    "pre_tokenizer": (_PRE_TOKENIZERS, "pretokenizers"),
    "post_processor": (_POST_PROCESSORS, "processors"),
}
_MODEL = ("unk_token", "continuing_subword_prefix", "end_of_word_suffix", "max_input_chars_per_word")


def check_tokenizer_file(content: str | bytes, where: str) -> None:
    """Check the components that a ``tokenizer.json`` asks for, before it is opened; see `check_components`."""
    try:
        found = json.loads(content, object_pairs_hook=_each_once)
    except ValueError as error:
        raise ValueError(f"{where}: tokenizer.json cannot be read: {error}") from None
    if not isinstance(found, dict):
        raise ValueError(f"{where}: tokenizer.json holds no JSON object")
    check_components(found, f"{where}: tokenizer.json")


def components_of(tokenizer: object) -> Json:
    """Return the components of a Transformers tokenizer as JSON values, none of one that is not fast."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    parts = {name: getattr(backend, name, None) for name in _KINDS}
    found = {name: json.loads(part.__getstate__()) for name, part in parts.items() if part is not None}
    model = getattr(backend, "model", None)
    return found | {"model": {name: getattr(model, name, None) for name in _MODEL}}


def check_components(components: Json, where: str) -> None:
    """Refuse components of a tokenizer that could make any text long.

    Parameters
    ----------
    components : dict
        ``normalizer``, ``pre_tokenizer``, ``post_processor`` and ``model`` as in ``tokenizer.json``.
    where : str
        What to call them in an error.

    Raises
    ------
    ValueError
        If a component is not known, or together they may make a text more than 4096 times as long.
    """
    growth, grown, n_found = 1.0, False, 0
    for name, (known, inner) in _KINDS.items():
        for component in _flat(components.get(name), inner):
            kind = component.get("type") if isinstance(component, dict) else None
            if not isinstance(kind, str) or kind not in known:
                raise ValueError(f"{where} asks for a {name} {kind!r}; known are {', '.join(sorted(known))}")
            n_found += 1
            try:
                if name == "post_processor":
                    _check_added(component)
                else:
                    growth *= _growth(kind, component)
            except ValueError as error:
                raise ValueError(f"{where}: {name} {kind}: {error}") from None
            except (AttributeError, LookupError, TypeError):
                raise ValueError(f"{where}: {name} {kind} has wrong settings") from None
            if kind in _UNICODE and not grown:
                growth, grown = growth * _COMPATIBILITY, True
            if growth > _MOST_GROWTH:
                raise ValueError(
                    f"{where} could make a text more than {_MOST_GROWTH} times as long, by its {name} {kind}"
                )
    if n_found > _MOST_COMPONENTS:
        raise ValueError(f"{where} has {n_found} components; at most {_MOST_COMPONENTS} are expected")
    _check_model(components.get("model"), where)


def _check_model(model: Any, where: str) -> None:
    model = model if isinstance(model, dict) else {}
    for added in _MODEL[:-1]:
        if isinstance(token := model.get(added), str) and len(token) > _LONGEST_TOKEN:
            raise ValueError(
                f"{where}: {added} is of {len(token)} characters; at most {_LONGEST_TOKEN} are expected"
            )
    longest = model.get("max_input_chars_per_word")
    if longest is not None and not (isinstance(longest, int) and 0 <= longest <= _LONGEST_WORD):
        raise ValueError(
            f"{where}: max_input_chars_per_word is {longest!r}; at most {_LONGEST_WORD} is expected"
        )


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):  # which of the two counts is the reader's choice
        raise ValueError("a key is there twice")
    return found


def _flat(component: Any, inner: str) -> Iterator[Any]:
    waiting = [] if component is None else [component]
    while waiting:
        one = waiting.pop()
        yield one
        if isinstance(one, dict) and isinstance(parts := one.get(inner), list):
            waiting += reversed(parts)


def _growth(kind: str, settings: dict[str, Any]) -> float:
    """Return how many characters a component makes of one at most, without what Unicode's forms add."""
    if kind == "Replace":
        added = _decomposed(settings["content"])
        ((how, pattern),) = settings["pattern"].items()
        if how == "String" and pattern:
            return max(1.0, added / len(pattern))
        return 1.0 + added  # may match nothing between two characters, or repeat a match by $1
    if kind == "Prepend":
        return 1.0 + _decomposed(settings["prepend"])
    if kind == "Precompiled":
        table = base64.b64decode(settings["precompiled_charsmap"] or "")
        texts = table[4 + int.from_bytes(table[:4], "little") :].split(b"\0")
        return max(1.0, *(_decomposed(text.decode("utf-8", "replace")) for text in texts))
    if kind == "FixedLength" and settings["length"] < 1:
        raise ValueError("length is less than 1")
    return {"BertNormalizer": 3.0, "ByteLevel": 5.0, "Metaspace": 2.0}.get(kind, 1.0)


def _decomposed(text: str) -> int:
    """Return the length of a text in Unicode's longest form."""
    return len(unicodedata.normalize("NFKD", text))


def _check_added(processor: dict[str, Any]) -> None:
    """Refuse a post-processor that repeats the text, or adds much to it."""
    if any(len(token) > _LONGEST_TOKEN for token in _strings(processor)):
        raise ValueError(f"adds a token of more than {_LONGEST_TOKEN} characters")
    if processor["type"] != "TemplateProcessing":
        return
    for template, n_texts in ((processor["single"], 1), (processor["pair"], 2)):
        if len(template) > _MOST_PIECES or sum("SpecialToken" not in piece for piece in template) > n_texts:
            raise ValueError(f"has a template that repeats the text, or of more than {_MOST_PIECES} pieces")
    if any(len(token["ids"]) > _MOST_PIECES for token in processor["special_tokens"].values()):
        raise ValueError(f"has a special token of more than {_MOST_PIECES} ids")


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _strings(inner)
