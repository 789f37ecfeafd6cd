"""From options and a JSON file to an estimator."""

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from ..features import NgramTfidf, PrefixTfidf, TextFeatures
    from ..hybrid import HybridRanker
    from ..linear import XRLinear

__all__ = ["build_features", "build_hybrid", "build_model", "label_names_of", "read_config"]

# What options of features change single values of.
_DEFAULT_PART = {"ngram_range": [1, 2], "min_df": 2, "max_features": 300_000, "sublinear_tf": True}

Config = dict[str, Any]


def read_config(path: str | None) -> Config:
    """Read parameters: ``{"features": {"parts": [...], ...}, "model": {...}, "ranker": {"label_names": ...}}``.

    A section ``"hybrid"`` has those of `HybridRanker`, and may be empty.
    """
    if path is None:
        return {}
    from ..storage.disk import LONGEST_TEXT, open_input

    with open_input(path) as file:
        content = file.read(LONGEST_TEXT)
    try:
        config = json.loads(content.decode("utf-8-sig"), object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is not valid JSON: {error}") from None
    if not isinstance(config, dict):
        raise ValueError(f"{path} must hold a JSON object, found {type(config).__name__}")
    _check_names("section", config, ("features", "hybrid", "model", "ranker"), f" in {path}")
    for name, section in config.items():
        if not isinstance(section, dict):
            raise ValueError(f"{path}: {name!r} must be a JSON object, found {type(section).__name__}")
    return config


def build_features(config: Config, options: Mapping[str, object]) -> "TextFeatures":
    """Make `TextFeatures`, which chooses its parts unless the file or ``options`` say anything of them.

    ``options`` are parameters of its only part, and win over the file. A ``tokenizer`` may be the path of a model.

    A part is an object with the parameters of its ``kind``, one of `arborank.features.PARTS`: an `NgramTfidf` without.
    """
    from ..features import TextFeatures

    section = dict(config.get("features", {}))
    _check_names("features parameter", section, TextFeatures().get_params())
    if not options and "parts" not in section:
        return TextFeatures(**section)
    parts = section.pop("parts", [_DEFAULT_PART])
    if not isinstance(parts, list) or not all(isinstance(part, dict) for part in parts):
        raise ValueError("features parameter 'parts' must be a list of JSON objects, one per part")
    if options:
        if len(parts) != 1:
            given = ", ".join(options)
            raise ValueError(
                f"the configuration has {len(parts)} parts of features; set {given} in it instead"
            )
        parts = [{**parts[0], **options}]
    return TextFeatures(parts=[_part(part) for part in parts], **section)


def _part(params: Mapping[str, Any]) -> "NgramTfidf | PrefixTfidf":
    from ..features import PARTS, TokenModel

    known = dict(params)
    name = known.pop("kind", "NgramTfidf")
    if not isinstance(name, str) or name not in PARTS:
        raise ValueError(f"unknown kind {name!r} of a features part; known are {', '.join(sorted(PARTS))}")
    kind: Any = PARTS[name]
    _check_names(f"parameter of {name}", known, kind().get_params())
    if isinstance(known.get("ngram_range"), list):  # JSON has no tuples
        known["ngram_range"] = tuple(known["ngram_range"])
    tokenizer = known.get("tokenizer")
    if isinstance(tokenizer, str) and tokenizer.endswith((".json", ".model")):
        known["tokenizer"] = TokenModel.load(tokenizer)
    part: NgramTfidf | PrefixTfidf = kind(**known)
    return part


def build_model(config: Config, options: Mapping[str, object], preset: str | None = None) -> "XRLinear":
    """Make `XRLinear`; ``options`` win over the file, and the file over the preset."""
    from ..linear import XRLinear

    params = {"verbose": 1, **config.get("model", {}), **options}
    known = {name: value for name, value in XRLinear().get_params().items() if name != "tree"}
    _check_names("model parameter", params, known)
    return XRLinear(**params) if preset is None else XRLinear.preset(preset, **params)


def build_hybrid(
    config: Config, ranker: "XRLinear", n_jobs: int | None, *, wanted: bool
) -> "XRLinear | HybridRanker":
    """Merge a tree with other sources if that is ``wanted`` or the file has a section for it.

    What is made of scores is then made of the merged ones.
    """
    if not wanted and "hybrid" not in config:
        return ranker
    from ..hybrid import HybridRanker

    own = ranker.get_params(deep=False)
    params = {name: own[name] for name in ("random_state", "calibrate", "decide")}
    params |= {"verbose": 1, **config.get("hybrid", {})}
    ranker.set_params(calibrate=False, decide=None)
    known = set(HybridRanker().get_params(deep=False)) - {"ranker"}
    _check_names("hybrid parameter", params, known)
    return HybridRanker(ranker, **{"n_jobs": n_jobs, **params})


def label_names_of(config: Config) -> 'bool | Literal["auto"]':
    """Return whether a `TextRanker` learns from the names of labels."""
    section = config.get("ranker", {})
    _check_names("ranker parameter", section, ("label_names",))
    found: bool | Literal["auto"] = section.get("label_names", "auto")
    return found


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"{name!r} is there twice")
    return dict(pairs)


def _check_names(what: str, given: Mapping[str, object], known: Iterable[str], place: str = "") -> None:
    for name in given:
        if name not in known:
            raise ValueError(f"unknown {what} {name!r}{place}; known are {', '.join(sorted(known))}")
