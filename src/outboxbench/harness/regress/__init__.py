"""This checkout against another revision of itself: code, environments, and what is measured."""
