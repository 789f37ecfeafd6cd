"""How much a search scores, pruned by the prefix and not, and how good its answers are, by the width of its beam."""

import numpy as np
import scipy.sparse as sp

from arborank import Autocompleter
from arborank.autocomplete.normal import normalize
from arborank.core.sparse import Csr, as_csr
from arborank.matching import BeamSearch

BEAMS = (1, 2, 5, 10, 20, 50)
ROWS = 5000


def scored(completer: Autocompleter, X: Csr, prefixes: list[str], beam: int) -> dict:
    """Mean number of labels, and of nodes of all levels, that a search scores at most, pruned by the prefix or not.

    These are the children of the beam's nodes; the exact best-first rule, which opens fewer, is left out on both sides.
    """
    tree, layers = completer.model_.tree_, completer.model_.layers_
    n = len(prefixes)
    slots = np.empty(tree.n_labels, dtype=np.int64)
    slots[tree.labels] = np.arange(tree.n_labels)
    wanted = [slots[slice(*completer.catalogue_.matching(prefix))] for prefix in prefixes]
    total = {"pruned": np.zeros(n), "free": np.zeros(n)}
    for level in range(tree.depth):
        sizes, above = np.diff(tree.branches[level]), tree.ancestors(level)
        leading = [np.unique(above[some]) for some in wanted]
        opened = {"pruned": np.zeros(n), "free": np.zeros(n)}
        if level == 0:
            opened = {name: np.full(n, float(sizes[0])) for name in opened}
        else:
            ones = np.ones(sum(map(len, leading)), np.float32)
            indptr = np.cumsum([0, *map(len, leading)])
            mask = as_csr(sp.csr_array((ones, np.concatenate(leading), indptr), (n, sizes.size)))
            names = np.arange(sizes.size, dtype=np.int32)
            top = BeamSearch(tree.branches[:level], layers[:level], names, sizes.size)
            for name, restriction in (("pruned", mask), ("free", None)):
                ids, _ = top.topk(
                    X, beam, beam_size=beam, combine=completer.model_.combine, allowed=restriction
                )
                opened[name] = np.where(ids >= 0, sizes[np.maximum(ids, 0)], 0).sum(axis=1)
        # one node leads to all labels: the search begins there or below
        total["pruned"][[len(nodes) <= 1 for nodes in leading]] = 0
        for name, counts in opened.items():
            total[name] += counts
    last = {f"labels_{name}": float(counts.mean()) for name, counts in opened.items()}
    return last | {f"nodes_{name}": float(counts.mean()) for name, counts in total.items()}


def free_answers(completer: Autocompleter, X: Csr, prefixes: list[str], beam: int, k: int) -> list[list[str]]:
    """A search that the prefix does not prune: the labels of the whole beam, those that begin with it.

    Lists that are not full go on with the most frequent completions, as those of the pruned search do.
    """
    catalogue, model = completer.catalogue_, completer.model_
    widest = int(np.diff(model.tree_.branches[-1]).max())
    answers = []
    for first in range(0, len(prefixes), 2000):  # a wide beam holds many labels
        part = as_csr(sp.csr_array((X.data, X.indices, X.indptr), X.shape)[first : first + 2000])
        ids, _ = completer._search.topk(
            part, min(beam * widest, len(catalogue)), combine=model.combine, beam_size=beam, n_threads=0
        )
        for row, prefix in zip(ids.tolist(), prefixes[first : first + 2000], strict=True):
            run = catalogue.matching(prefix)
            found = [i for i in row if run[0] <= i < run[1]][:k]
            if len(found) < k:
                taken = set(found)
                found += [i for i in catalogue.frequent(*run, 2 * k).tolist() if i not in taken]
            answers.append([catalogue.keys[i] for i in found[:k]])
    return answers


def frontier(completer: Autocompleter, data, measure, k: int) -> list[dict]:
    """Quality beside work, on the first test prefixes, for every width of the beam; ``measure`` returns an MRR."""
    previous, prefixes = data.previous[:ROWS], data.prefixes[:ROWS]
    X, _ = completer.rows_.many([completer._context(before) for before in previous], prefixes)
    points = []
    for beam in BEAMS:
        completions = completer.complete_batch(prefixes, previous, k, beam_size=beam)
        pruned = [[normalize(query) for query, _ in row] for row in completions]
        free = free_answers(completer, X, prefixes, beam, k)
        points.append(
            {
                "beam": beam,
                "mrr_pruned": measure(pruned),
                "mrr_free": measure(free),
                **scored(completer, X, prefixes, beam),
            }
        )
    return points
