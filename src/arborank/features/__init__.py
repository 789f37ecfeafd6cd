"""Features: from text to sparse rows."""
