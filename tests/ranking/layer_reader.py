"""Plain readers of a layer's chunks, as oracles."""

import numpy as np


def dense_weights(layer):
    """Return (n_children, n_features) weights and the bias, read word by word."""
    W = np.zeros((int(layer.branches[-1]), layer.n_features), np.float32)
    for parent in range(len(layer.branches) - 1):
        first = int(layer.rows[parent])
        keys = layer.keys[first : layer.rows[parent + 1]]
        starts = layer.starts[first : layer.rows[parent + 1]].astype(np.int64)
        words = layer.words[layer.bases[parent] : layer.bases[parent + 1]]
        assert keys[-1] == 0xFFFFFFFF
        assert np.all(np.diff(keys.astype(np.int64)) > 0)
        assert starts[-1] == words.size
        features = (keys.astype(np.uint64) * 340573321) & 0xFFFFFFFF
        for row in range(len(keys) - 1):
            at = starts[row]
            while at < starts[row + 1]:
                block, mask = divmod(int(words[at]), 1 << 16)
                at += 1
                for lane in range(16):
                    if mask >> lane & 1:
                        child = layer.branches[parent] + 16 * block + lane
                        assert child < layer.branches[parent + 1]
                        W[child, int(features[row])] = words[at : at + 1].view(np.float32)[0]
                        at += 1
    return W, layer.bias
