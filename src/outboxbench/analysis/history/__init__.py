"""Judges histories: pure functions over the lines that a block has left."""
