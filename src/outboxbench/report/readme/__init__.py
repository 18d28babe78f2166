"""What README.md and docs/ say of the reference results: made of these alone, between marks.

`python -m outboxbench.report.readme` in a checkout writes it anew, `--check` tells whether it
would change anything.
"""
