"""Reasons to doubt a run, by what they are about."""
