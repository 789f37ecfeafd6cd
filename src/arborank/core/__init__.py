"""What everything else stands on: sparse matrices, strings, checks, threads, memory, saved state."""
