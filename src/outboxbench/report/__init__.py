"""What a run looks like: on a terminal and as charts, always with its verdict."""
