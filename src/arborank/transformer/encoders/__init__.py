"""Encoders of text: found, loaded, checked, asked for vectors."""
