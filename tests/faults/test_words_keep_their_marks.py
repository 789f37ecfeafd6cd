"""Words of every script stay whole, and a corpus whose words cannot be found is not learned in silence."""

import re
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

from arborank import Autocompleter, NgramTfidf, PrefixTfidf, TextFeatures, TextRanker, XRLinear
from arborank.autocomplete.contexts import shared_words
from arborank.autocomplete.threshold import Threshold
from arborank.core.spelling import word_pattern

SENTENCES = {
    "Hindi": "हिन्दी में लड़का और लड़की पढ़ते हैं",
    "Marathi": "मराठी भाषा महाराष्ट्राची राजभाषा आहे",
    "Bengali": "বাংলা ভাষা একটি ইন্দো আর্য ভাষা",
    "Tamil": "தமிழ் மொழி உலகின் மூத்த மொழிகளில் ஒன்று",
    "Telugu": "తెలుగు భాష ద్రావిడ భాషల్లో ఒకటి",
    "Sinhala": "ශ්‍රී ලංකාව දූපත් රාජ්‍යයකි",
    "Arabic": "مُحَمَّد كِتَاب جَدِيد",
    "Hebrew": "שָׁלוֹם עוֹלָם יָפֶה",
    "Persian": "می\u200cخواهم کتاب\u200cها را بخوانم",
    "Amharic": "አማርኛ የኢትዮጵያ ቋንቋ ነው",
    "Dhivehi": "ދިވެހި ބަސް ރާއްޖޭގެ",
    "Vietnamese": "tiếng Việt là ngôn ngữ",
    "Yoruba": "èdè Yorùbá jẹ́ ọ̀kan",
    "Georgian": "ქართული ენა არის",
    "Korean": "한국어 문장은 띄어쓰기를 한다",
}
UNSPACED = {
    "Chinese": ["机器学习在自然语言处理中的应用", "城市交通规划与管理方法研究", "中国古代文学史概论"],
    "Japanese": ["自然言語処理における機械学習の応用", "都市計画と交通の管理に関する研究"],
    "Thai": ["การเรียนรู้ของเครื่องสำหรับภาษาไทย", "ประวัติศาสตร์ไทยสมัยใหม่และการเมือง"],
    "Khmer": ["ប្រវត្តិសាស្ត្រនៃប្រទេសកម្ពុជា", "ការអប់រំនៅកម្ពុជា"],
    "Lao": ["ປະຫວັດສາດຂອງປະເທດລາວ", "ການສຶກສາໃນປະເທດລາວ"],
    "Burmese": ["မြန်မာနိုင်ငံ၏သမိုင်းကြောင်း", "မြန်မာစာပေသမိုင်းအကျဉ်း"],
    "Javanese": ["ꦱꦗꦫꦃꦤꦒꦫꦶꦤ꧀ꦢꦺꦴꦤꦺꦱꦶꦪ", "ꦧꦱꦗꦮꦭꦤ꧀ꦏꦧꦸꦢꦪꦤ꧀"],
    "Balinese": ["ᬩᬲᬩᬮᬶᬮᬦ᭄ᬓᬩᬸᬤᬬᬦ᭄", "ᬲᬚᬭᬄᬧᬸᬮᭀᬩᬮᬶ"],
    "Tai Tham": ["ᨣᩤᩴᨾᩮᩬᩥᨦᩃ᩶ᩣ᩠ᨶᨶᩣ", "ᨲ᩠ᩅᩫᨾᩮᩬᩥᨦᨩ᩠ᨿᨦᩉ᩠ᨾᩲ᩵"],
    "New Tai Lue": ["ᦅᧄᦟᦹᧉᦉᦲᧇᦉᦸᧂᦗᧃᦓᦱ", "ᦎᦷᦟᦹᧉᦶᦜᧈᦵᦙᦲᧂᦣᦳᧂᧉ"],
    "Tai Le": ["ᥖᥭᥰᥘᥫᥴᥖᥬᥲᥑᥨᥒᥰ", "ᥘᥣᥭᥰᥖᥭᥰᥛᥫᥒᥰᥑᥩᥒᥰ"],
    "Tai Viet": ["ꪁꪫꪱꪣꪼꪕꪒꪾꪣꪹꪣꪉ", "ꪬꪣꪱꪥꪼꪕꪒꪾꪎꪸꪉꪁꪫꪱꪣ"],
    "Yi": ["ꆈꌠꁱꂷꌠꅇꉙꁱ", "ꆈꌠꉙꁱꂷꃅꄷꈁꐨ"],
    "Nushu": ["𛅰𛅱𛅲𛅳𛅴𛅵", "𛆀𛆁𛆂𛆃𛆄𛆅𛆆"],
    "Bopomofo": ["ㄐㄧㄑㄧㄒㄩㄝㄒㄧㄈㄤㄈㄚ", "ㄔㄥㄕㄐㄧㄠㄊㄨㄥㄍㄨㄟㄏㄨㄚ"],
}


@pytest.mark.parametrize("language", list(SENTENCES))
@pytest.mark.parametrize("tokens", ["word1", "word2"])
def test_words_stay_whole(language, tokens):
    text = SENTENCES[language]
    expected = text.lower().split()
    if tokens == "word2":
        expected = [word for word in expected if len(word) > 1]
    assert NgramTfidf(tokens=tokens).analyze(text) == expected


def test_scikit_learns_pattern_is_there():
    assert NgramTfidf(tokens="scikit-learn").analyze("मराठी বাংলা") == ["मर"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("दाल दिल", ["दाल", "दिल"]),
        ("घी é", ["घी"]),  # two code points, and one
        ("❤\ufe0fheart 1\ufe0f\u20e3 x\u20e3", ["heart", "1\u20e3", "x\u20e3"]),
        ("(\u0301abc) \u0301", ["abc"]),
        ("رفت\u200c \u200cرفت", ["رفت", "رفت"]),
        ("अवन्\u200d अवन\u200d", ["अवन्\u200d", "अवन"]),
        ("١٢٣ १२३ １２３ 123", ["١٢٣", "१२३", "１２３", "123"]),
        ("ភាសា\u200bខ្មែរ", ["ភាសា", "ខ្មែរ"]),
        ("\u200d\u200c \u0301\u0301", []),
        ("\ud800\u0301ab", ["ab"]),
    ],
)
def test_where_words_begin_and_end(text, words):
    assert NgramTfidf().analyze(text) == words


def test_one_vowel_sign_tells_texts_apart():
    texts, labels = ["दाल", "दिल", "दल", "दाल", "दिल", "दल"], ["lentils", "heart", "party"] * 2
    for features in (
        NgramTfidf(),
        TextFeatures(),
        NgramTfidf(analyzer="char", ngram_range=(1, 3)),
        NgramTfidf(strip_accents="unicode"),
        PrefixTfidf(),
        PrefixTfidf(unit="grapheme"),
    ):
        ranker = TextRanker(features=features, model=XRLinear(threshold=0)).fit(texts, labels)
        assert [ranker.rank(text, k=1)[0][0] for text in texts[:3]] == labels[:3]


def test_words_of_a_full_corpus_are_learned():
    """Ten words that scikit-learn's pattern cuts to the same pieces, or to none."""
    words = ["कि", "की", "के", "को", "का", "बि", "बी", "बे", "बो", "बा"]
    texts = [f"{word} {word}" for word in words for _ in range(3)]
    ranker = TextRanker(features=NgramTfidf(), model=XRLinear(threshold=0)).fit(texts, texts)
    assert [ranker.rank(text, k=1)[0][0] for text in texts] == texts


@pytest.mark.parametrize("language", list(UNSPACED))
@pytest.mark.parametrize(
    "features",
    [
        NgramTfidf(),
        NgramTfidf(tokens="whitespace"),
        TextFeatures(parts=[NgramTfidf()]),
        NgramTfidf(ngram_range=(2, 3)),
    ],
)
def test_phrases_do_not_pass_for_words(language, features):
    texts = [f"{text} {text}" for text in UNSPACED[language]] * 4
    for fit in (features.fit, features.fit_transform, lambda texts: TextRanker(features).fit(texts, texts)):
        with pytest.warns(UserWarning, match=r"written without spaces.*analyzer='char'"):
            fit(texts)


@pytest.mark.parametrize("language", list(UNSPACED))
def test_characters_are_fine(language):
    """What the warning offers."""
    texts = UNSPACED[language]
    for features in (
        NgramTfidf(analyzer="char", ngram_range=(1, 3)),
        TextFeatures(parts=[NgramTfidf(), NgramTfidf(analyzer="char")]),
    ):
        ranker = TextRanker(features=features, model=XRLinear(threshold=0)).fit(texts, texts)
        assert [ranker.rank(text[:-1], k=1)[0][0] for text in texts] == texts


@pytest.mark.parametrize(
    "text",
    [
        "机器 学习 在 自然 语言 处理 中 的 应用 研究",
        "自然 言語 処理 における データベース の 管理 システム",
        "การ เรียนรู้ ของ เครื่อง สำหรับ ภาษา ไทย",
        "ប្រវត្តិសាស្ត្រ នៃ ប្រទេស កម្ពុជា",
        "ကျွန်တော် တို့ မြန်မာ စာ ပေ",
        "ꦧꦱ ꦗꦮ ꦭꦤ꧀ ꦏꦧꦸꦢꦪꦤ꧀",
        "ꆈꌠ ꁱꂷ ꌠꅇ ꉙꁱ",
        "ᮘᮞ ᮞᮥᮔ᮪ᮓ ᮊᮥᮓᮥ ᮓᮤᮙᮥᮙᮥᮜᮦ",
        "한국어 문장은 띄어쓰기를 한다",
    ],
)
def test_no_warning_where_words_are_parted(text):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        NgramTfidf().fit_transform([text] * 3)


def test_a_little_of_such_a_script_is_no_cause():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        NgramTfidf().fit_transform(
            ["a long text in english with many more words"] * 20 + UNSPACED["Chinese"][:1]
        )


def test_texts_without_a_term_are_counted():
    texts = ["red apple", "blue apple", "x y z", "", "green pear"]
    with pytest.warns(UserWarning, match=r"2 of 5 texts \(40%\) have no term.*position 2.*char_wb") as found:
        NgramTfidf().fit_transform(texts)
    assert found[0].filename == __file__
    with pytest.warns(UserWarning, match=r"2 of 5 texts \(40%\) have no term: .*char_wb"):
        NgramTfidf().fit(texts)
    with pytest.warns(UserWarning, match=r"3 of 5 texts \(60%\) have no term.*lower min_df=2"):
        TextRanker().fit(texts, list("abcde"))
    with pytest.warns(UserWarning, match=r"1 of 5 texts \(20%\).*position 3.*Leave such texts out"):
        NgramTfidf(analyzer="char").fit_transform(texts)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        NgramTfidf().fit_transform(["red apple"] * 9 + ["x"])
        TextFeatures(parts=[NgramTfidf(), NgramTfidf(analyzer="char")]).fit_transform(["red apple", "x"])


def test_numbers_do_not_depend_on_threads():
    texts = ["red apple", "x"] * 500 + UNSPACED["Thai"] * 200
    messages = set()
    for n_jobs in (1, 2, 7):
        with pytest.warns(UserWarning, match="without spaces") as found:
            NgramTfidf(n_jobs=n_jobs).fit(texts)
        messages.add(str(found[0].message))
    assert len(messages) == 1


@pytest.mark.parametrize("n_jobs", [2000, 2**31 - 1])
def test_more_threads_than_texts(n_jobs):
    texts = [f"some words {i % 7} and {i}" for i in range(300)]
    many, one = NgramTfidf(n_jobs=n_jobs, tokens="word1"), NgramTfidf(n_jobs=1, tokens="word1")
    assert np.array_equal(many.fit_transform(texts).toarray(), one.fit_transform(texts).toarray())
    assert np.array_equal(many.transform(texts).toarray(), one.transform(texts).toarray())


def test_the_command_line_warns_in_one_line(tmp_path):
    file = tmp_path / "data.tsv"
    file.write_text("a\tred apple\nb\tx y\nc\tz\nd\tblue car\n", encoding="utf-8")
    command = [
        sys.executable,
        "-c",
        "from arborank.cli import main; main()",
        "train",
        str(file),
        "--min-df",
        "1",
    ]
    done = subprocess.run([*command, "-m", str(tmp_path / "m")], capture_output=True, text=True, check=True)
    lines = [line for line in done.stderr.splitlines() if "no term" in line]
    assert len(lines) == 1
    assert lines[0].startswith("Warning: 2 of 4 texts (50%)")
    assert "--analyzer char_wb" in lines[0]


def test_words_of_previous_queries_stay_whole():
    """What few have sent must not be put together from pieces that many have, nor a shared word lost by a rare one."""
    contexts = [("दाल चावल",)] * 3 + [("दिल",)] + [("दल",)] * 3
    kept = shared_words(contexts, None, Threshold(min_count=3))
    assert kept == ["दाल चावल"] * 3 + ["दल"] * 3
    assert shared_words([("می\u200cخواهم",)] * 2, ["a", "b"], Threshold(2, 2)) == ["می\u200cخواهم"] * 2


@pytest.mark.parametrize("language", list(SENTENCES))
def test_pattern_and_vectorisers_agree(language):
    text = SENTENCES[language].lower()
    assert word_pattern().findall(text) == NgramTfidf(tokens="word1").analyze(text)


def test_a_completer_tells_contexts_apart():
    log = []
    for i in range(40):
        first, then = (("दाल", "मसूर दाल तड़का"), ("दिल", "मसूर गीत"))[i % 2]
        log += [(f"user {i}", 1000.0 * i, first), (f"user {i}", 1000.0 * i + 10, then)]
    completer = Autocompleter(min_count=2).fit(log)
    best = [completer.complete("म", [context], k=1)[0][0] for context in ("दाल", "दिल")]
    assert best == ["मसूर दाल तड़का", "मसूर गीत"]


def test_the_guide_ranks_chinese(capsys):
    guide = (Path(__file__).parents[2] / "docs" / "languages.md").read_text(encoding="utf-8")
    block, *_ = re.findall(r"```python\n(.*?)```", guide, flags=re.DOTALL)
    exec(compile(block, "languages.md", "exec"), {})
    assert capsys.readouterr().out == "informatics\n"
