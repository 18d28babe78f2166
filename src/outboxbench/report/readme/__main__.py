"""Writes what README.md and docs/ say of the reference results anew; run it in a checkout."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from outboxbench.report.readme.documents import changed, write
from outboxbench.report.readme.marks import MarksError
from outboxbench.results.folders import RunReadError


def main() -> int:
    """Return the exit code: 1 where --check finds a difference, 2 where it cannot be done."""
    parser = argparse.ArgumentParser(
        prog="python -m outboxbench.report.readme", description=__doc__
    )
    parser.add_argument("--check", action="store_true", help="write nothing, and tell what differs")
    arguments = parser.parse_args()
    try:
        files = changed(Path())
        if not arguments.check:
            write(files)
    except (RunReadError, MarksError) as error:
        sys.stderr.write(f"outboxbench: {error}\n")
        return 2
    except OSError as error:
        sys.stderr.write(
            f"outboxbench: {error.filename}: {error.strerror}:"
            " call it in a checkout of outboxbench\n"
        )
        return 2
    for path in files:
        sys.stdout.write(f"{path}\n")
    if files and arguments.check:
        sys.stderr.write(
            "outboxbench: these do not agree with results/reference:"
            " write them with `make readme`\n"
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
