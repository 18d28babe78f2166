"""What a report is made of, and that no name can break out of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from rich.console import Group
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from outboxbench.report.blocks import Code, Figures, Heading, Paragraph, blocks_of, joined
from outboxbench.report.markdown import markdown
from outboxbench.report.run_blocks import run_blocks

if TYPE_CHECKING:
    from tests.report.conftest import MadeUpRun, RunBuilder

NASTY = "<script>alert(1)</script>|*x*"


def test_tables_of_the_terminal_are_read_as_they_are() -> None:
    table = Table(title=Text("a table"))
    table.add_column("stra-\ntegy")
    table.add_column("p50\nms", justify="right")
    table.add_row(Text("[bold]x[/nope]"), "1.5")

    found = list(blocks_of(Group(Text("one\ntwo"), Text(), table, Padding(Text("in"), (0, 2)))))

    assert found == [
        Paragraph(("one", "two")),
        Figures("a table", ("strategy", "p50 ms"), (False, True), (("[bold]x[/nope]", "1.5"),)),
        Paragraph(("in",)),
    ]


def test_what_no_report_can_hold_is_not_left_out_in_silence() -> None:
    with pytest.raises(TypeError, match="no report can hold a Panel"):
        list(blocks_of(Panel("x")))


def test_loud_lines_stay_apart_from_the_others() -> None:
    quiet, loud = Paragraph(("a",)), Paragraph(("b",), is_loud=True)

    assert joined([quiet, quiet, loud, quiet]) == (Paragraph(("a", "a")), loud, quiet)


def test_every_loud_line_is_loud() -> None:
    assert markdown([Paragraph(("a", "b"), is_loud=True)]) == "> **a**  \n> **b**\n"


def test_names_are_text_in_markdown() -> None:
    blocks = (
        Heading(NASTY, 1),
        Paragraph((NASTY, "# no heading", "- no list")),
        Figures(NASTY, (NASTY,), (False,), ((NASTY,),)),
        Code("x"),
    )

    written = markdown(blocks)

    assert "\\<script\\>" in written
    assert "\\# no heading  \n\\- no list" in written
    # A cell with a bar in it is one cell.
    assert [line.replace("\\|", "").count("|") for line in written.splitlines()[-7:-4]] == [2, 2, 2]


def test_a_run_that_must_not_be_trusted_says_so_before_its_figures(build_run: RunBuilder) -> None:
    made_up = build_run(
        strategies={"asyncpg": (900.0, 1000.0)},
        failing=("asyncpg-uvloop",),
        server_settings={"fsync": "off"},
    )

    _, loud, *_ = run_blocks(made_up.run.model_copy(update={"complete": False}))

    assert isinstance(loud, Paragraph)
    assert loud.is_loud
    told = " ".join(loud.lines)
    assert "INCOMPLETE" in told
    assert "verdict of the run is fail" in told
    assert "fsync=off" in told


def test_a_sound_run_is_quiet(quick_run: MadeUpRun) -> None:
    found = run_blocks(quick_run.run)

    assert not any(isinstance(block, Paragraph) and block.is_loud for block in found)
    assert Code(quick_run.run.command) in found
