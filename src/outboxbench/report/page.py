"""A report as one self-contained HTML page: charts and tables of a run, or of two side by side."""

from __future__ import annotations

import base64
from html import escape
from typing import TYPE_CHECKING, NamedTuple

from outboxbench.report.blocks import Code, Figures, Heading, Paragraph

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from outboxbench.report.blocks import Block
    from outboxbench.report.charts.render import RenderedChart, RenderedCharts

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1a1a1a; margin: 2rem auto; padding: 0 1rem;
  max-width: 110rem; }
table { border-collapse: collapse; margin: 1rem 0; display: block; overflow-x: auto; }
caption { text-align: left; font-weight: bold; }
th, td { padding: .15rem .7rem; border-bottom: 1px solid #dcdcdc; text-align: left; }
.number { text-align: right; font-variant-numeric: tabular-nums; }
.loud { background: #b00020; color: white; padding: .6rem 1rem; font-weight: bold; }
.beside { display: grid; grid-template-columns: repeat(auto-fit, minmax(20rem, 1fr)); gap: 2rem; }
figure { margin: 0; }
figure img { max-width: 100%; }
pre { background: #f4f4f4; padding: .6rem 1rem; overflow-x: auto; }
"""


class Column(NamedTuple):
    """One run of a page."""

    name: str
    blocks: Sequence[Block]
    charts: RenderedCharts


def page(title: str, above: Iterable[Block], columns: Sequence[Column]) -> str:
    """Write a page that needs no other file.

    Args:
        title: of the page, for the browser.
        above: what concerns all runs.
        columns: the runs; charts of the same name stand beside each other.
    """
    names = dict.fromkeys(
        name
        for column in columns
        for name in (*(chart.name for chart in column.charts.charts), *column.charts.left_out)
    )
    parts = [
        *map(_block, above),
        _beside("".join(map(_block, column.blocks)) for column in columns),
        *(_charts(name, columns) for name in names),
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        + "\n".join(parts)
        + "\n</body>\n</html>\n"
    )


def _charts(name: str, columns: Sequence[Column]) -> str:
    """The charts of one name; nothing but the reason where no run has it."""
    return f'<h2 id="{escape(name)}">{escape(name)}</h2>' + _beside(
        _chart(name, column) for column in columns
    )


def _chart(name: str, column: Column) -> str:
    found = next((chart for chart in column.charts.charts if chart.name == name), None)
    heading = f"<h3>{escape(column.name)}</h3>"
    if found is None:
        reason = column.charts.left_out.get(name, "not drawn")
        return f"{heading}<p>Left out: {escape(reason)}.</p>"
    return heading + "".join(_figure(found))


def _figure(chart: RenderedChart) -> Iterator[str]:
    # As an image, so that nothing in one picture clashes with a name in another.
    svg = base64.b64encode(chart.files["svg"].read_bytes()).decode("ascii")
    yield (
        f'<figure><img src="data:image/svg+xml;base64,{svg}" alt="{escape(chart.description)}">'
        f"<figcaption><strong>{escape(chart.finding)}</strong> {escape(chart.reading)}"
        "</figcaption></figure>"
    )
    yield f"<details><summary>Figures</summary>{_data(chart)}</details>"


def _data(chart: RenderedChart) -> str:
    head = "".join(f"<th>{escape(column)}</th>" for column in chart.data.columns)
    rows = (
        "".join(f"<td>{'' if cell is None else escape(_cell(cell))}</td>" for cell in row)
        for row in chart.data.rows
    )
    return f"<table><tr>{head}</tr>{''.join(f'<tr>{row}</tr>' for row in rows)}</table>"


def _cell(cell: str | float) -> str:
    return f"{cell:.6g}" if isinstance(cell, float) else f"{cell}"


def _beside(parts: Iterable[str]) -> str:
    return f'<div class="beside">{"".join(f"<section>{part}</section>" for part in parts)}</div>'


def _block(block: Block) -> str:
    match block:
        case Heading(text=text, level=level):
            return f"<h{level}>{escape(text)}</h{level}>"
        case Paragraph(lines=lines, is_loud=is_loud):
            attribute = ' class="loud" role="alert"' if is_loud else ""
            return f"<p{attribute}>{'<br>'.join(map(escape, lines))}</p>"
        case Code(text=text):
            return f"<pre>{escape(text)}</pre>"
        case Figures():
            return _table(block)


def _table(table: Figures) -> str:
    def cells(tag: str, values: Sequence[str]) -> str:
        return "".join(
            f"<{tag}{' class=number' if is_number else ''}>{escape(value)}</{tag}>"
            for value, is_number in zip(values, table.is_number, strict=True)
        )

    rows = "".join(f"<tr>{cells('td', row)}</tr>" for row in table.rows)
    caption = f"<caption>{escape(table.title)}</caption>" if table.title else ""
    return f"<table>{caption}<tr>{cells('th', table.columns)}</tr>{rows}</table>"
