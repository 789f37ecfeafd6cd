"""How well texts of many languages are ranked, by what their terms are.

The texts are those of Unicode's CLDR, in Debian's package ``unicode-cldr-core``: every emoji and symbol has a name and
keywords in each language. A ranker learns which symbol the keywords belong to, and is asked for the symbol of a name.
For scripts without spaces, a second line has the keywords run together::

    python benchmarks/languages.py /usr/share/unicode/cldr/common/annotations
"""

import argparse
import unicodedata
import warnings
import xml.etree.ElementTree as ET
from pathlib import Path

from arborank import NgramTfidf, TextFeatures, TextRanker, XRLinear

LANGUAGES = {
    "English": "en",
    "German": "de",
    "Finnish": "fi",
    "Turkish": "tr",
    "Vietnamese": "vi",
    "Greek": "el",
    "Russian": "ru",
    "Arabic": "ar",
    "Persian": "fa",
    "Hebrew": "he",
    "Amharic": "am",
    "Hindi": "hi",
    "Marathi": "mr",
    "Bengali": "bn",
    "Tamil": "ta",
    "Malayalam": "ml",
    "Sinhala": "si",
    "Korean": "ko",
    "Chinese": "zh",
    "Japanese": "ja",
    "Thai": "th",
    "Lao": "lo",
    "Khmer": "km",
    "Burmese": "my",
}
UNSPACED = ("Chinese", "Japanese", "Thai", "Lao", "Khmer", "Burmese")
_WITHIN = NgramTfidf(analyzer="char_wb", ngram_range=(2, 4))
FEATURES = {
    r"`\w\w+`": NgramTfidf(tokens="scikit-learn", normalization=None),
    "words": NgramTfidf(),
    "folded": NgramTfidf(strip_accents="unicode"),
    "`char_wb` 2–4": _WITHIN,
    "words and `char_wb`": TextFeatures(parts=[NgramTfidf(), _WITHIN]),
    "`char` 1–3": NgramTfidf(analyzer="char", ngram_range=(1, 3)),
}


def read(path: Path) -> tuple[list[str], list[str], list[str]]:
    """Return symbols, and the keywords and the name of each, of those that have both; ``" | "`` parts keywords."""
    keywords, names = {}, {}
    for item in ET.parse(path).getroot().iter("annotation"):
        text = item.text or ""
        if "↑" in text:  # as in the language that this one derives from
            continue
        if item.get("type") == "tts":
            names[item.get("cp")] = text
        else:
            keywords[item.get("cp")] = text
    symbols = [symbol for symbol in names if symbol in keywords]
    return symbols, [keywords[symbol] for symbol in symbols], [names[symbol] for symbol in symbols]


def precision(
    symbols: list[str], keywords: list[str], names: list[str], features: NgramTfidf | TextFeatures
) -> float:
    """Return P@1 of the symbols of names."""
    ranker = TextRanker(features=features, model=XRLinear()).fit(keywords, symbols)
    best = ranker.rank_batch(names, k=1)
    right = [
        bool(row) and row[0][0] == symbol
        for row, symbol in zip(best, ranker_names(ranker, symbols), strict=True)
    ]
    return 100 * sum(right) / len(right)


def ranker_names(ranker: TextRanker, symbols: list[str]) -> list[str]:
    """Return symbols as the ranker spells them."""
    return [unicodedata.normalize("NFC", symbol) if ranker.normalization else symbol for symbol in symbols]


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("annotations", type=Path)
    folder = parser.parse_args().annotations
    print("| language | symbols | " + " | ".join(FEATURES) + " |")
    print("|---|--:|" + "--:|" * len(FEATURES))
    rows = [(language, language, " ") for language in LANGUAGES]
    for title, language, joint in rows + [(f"{name}, run together", name, "") for name in UNSPACED]:
        symbols, keywords, names = read(folder / f"{LANGUAGES[language]}.xml")
        texts = [text.replace(" | ", joint) for text in keywords]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            found = [precision(symbols, texts, names, features) for features in FEATURES.values()]
        print(f"| {title} | {len(symbols):,} | " + " | ".join(f"{p:.1f}" for p in found) + " |", flush=True)


if __name__ == "__main__":
    main()
