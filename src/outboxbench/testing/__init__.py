"""The definition of a strategy, as tests that anyone's strategy can be put through."""
