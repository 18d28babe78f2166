"""One module a chart; each draws a run, and says why when there is nothing to draw."""
