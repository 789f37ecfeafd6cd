"""Settings found by trying them: `RankerSearch`, successive halving over features, costs, tree and search."""

from .search import RankerSearch

__all__ = ["RankerSearch"]
