"""The command line: puts the harness, the analysis and the report together."""

from outboxbench.cli.main import main

__all__ = ["main"]
