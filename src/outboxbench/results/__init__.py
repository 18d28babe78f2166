"""The file formats between the harness that measures and the analysis that judges."""
