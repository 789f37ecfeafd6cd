"""A program for `test_memory_estimates`: trains on a file; prints what that was estimated to take, and took."""

import gc
import json
import sys
import warnings

import numpy as np
import scipy.sparse as sp

import arborank.linear.options as options
from arborank import XRLinear


def memory(name):
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith(f"{name}:"))


def main(path, parameters):
    small = np.random.default_rng(0).random((50, 20))
    XRLinear(max_leaf_size=5, n_jobs=2).fit(small, [[i % 20] for i in range(50)])  # what a first fit loads
    gc.collect()
    before = memory("VmRSS")
    with np.load(path) as file:
        X, Y = (
            sp.csr_array(
                (file[f"{name}_data"], file[f"{name}_indices"], file[f"{name}_indptr"]), file[f"{name}_shape"]
            )
            for name in "XY"
        )
    with open("/proc/self/clear_refs", "w") as refs:
        refs.write("5")  # the peak begins anew
    estimates, estimate = [], options.estimate_training

    def noted(**given):
        estimates.append(estimate(**given))
        return estimates[-1]

    options.estimate_training = noted
    XRLinear(n_jobs=2, **parameters).fit(X, Y)
    used = memory("VmHWM") - before
    json.dump({"estimate": estimates[0].total, "interval": estimates[0].interval, "used": used}, sys.stdout)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(sys.argv[1], json.loads(sys.argv[2]))
