"""Rank: one layer of linear one-versus-rest rankers, its weights, its negatives and its costs."""
