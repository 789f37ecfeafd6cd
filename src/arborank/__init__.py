"""Arborank: extreme multi-label ranking, from raw text to ranked label names."""
