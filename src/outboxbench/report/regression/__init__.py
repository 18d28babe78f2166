"""A regression check as it is told: in a terminal, in a pull request, and to other tools."""
