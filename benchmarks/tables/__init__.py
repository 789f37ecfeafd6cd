"""One module a table: ``measure`` asks the sides in turn, ``render`` writes Markdown of what was measured.

Every module has its ``SIDES``; ``render`` returns the text of each place in ``RESULTS.md``.
"""
