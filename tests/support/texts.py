"""Texts of all kinds, made on the spot, and what it means that two matrices are the same."""

import unicodedata

import numpy as np
import scipy.sparse as sp
from hypothesis import strategies as st

DENSE = st.sampled_from(
    "aabbccAB   \t\n_1é\u0301ÉΣσς\u0130ßﬁ가ñÑ…'\x00\x1c\x85\ud800\U0001f600日本"
    "\u0323\u1100\u1161\u11a8か\u3099क\u093c\u094dषि\u200c\u200dে\u09be\u00ad\u200b\ufeff"
)
ANY = st.characters(exclude_categories=()).filter(lambda c: unicodedata.ucd_3_2_0.category(c) != "Cn")
TEXTS = st.lists(st.text(st.one_of(DENSE, DENSE, DENSE, ANY), max_size=30), min_size=1, max_size=12)


def random_texts(n, seed=0, length=12):
    rng = np.random.default_rng(seed)
    words = [f"w{i}" for i in range(400)] + ["Äiti", "naïve", "ΟΔΟΣ"]
    return [" ".join(words[i] for i in rng.zipf(1.3, rng.integers(0, length)) % len(words)) for _ in range(n)]


def same_bytes(a, b):
    a, b = sp.csr_array(a), sp.csr_array(b)
    return (
        a.shape == b.shape
        and np.array_equal(a.indptr, b.indptr)
        and np.array_equal(a.indices, b.indices)
        and a.data.tobytes() == b.data.tobytes()
    )
