"""Python environments beside our own, for what must not be installed in it: built once, kept."""
