"""Runs the command line with `python -m outboxbench.cli`."""

from outboxbench.cli import main

main()
