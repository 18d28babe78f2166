"""An HTML file as a test reads it without a browser: elements, and the text in them."""

from __future__ import annotations

from html.parser import HTMLParser

VOID = {"meta", "img", "br", "link", "input"}


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.rows: list[list[str]] = []
        self.text = ""
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)
        if tag == "tr":
            self.rows.append([])
        elif tag in {"td", "th"}:
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag, f"{tag} is closed, and was not the last to be opened"
        if tag in {"dt", "dd", "li", "p", "h1", "h2", "h3", "td", "th", "a"}:
            self.text += " "

    def handle_data(self, data: str) -> None:
        if {"style", "script"} & set(self._open):
            return
        self.text += data
        if {"td", "th"} & set(self._open):
            self.rows[-1][-1] += data


class ReadPage:
    """What is in a page: `text` with single blanks, and the cells of all `rows` of its tables."""

    def __init__(self, page: str) -> None:
        reader = _Reader()
        reader.feed(page)
        reader.close()
        self.elements = reader.elements
        self.text = " ".join(reader.text.split())
        self.rows = [[" ".join(cell.split()) for cell in row] for row in reader.rows]

    def count(self, tag: str) -> int:
        return sum(name == tag for name, _ in self.elements)

    def row(self, *begins: str) -> list[str]:
        """The only row whose cells begin so."""
        (found,) = (row for row in self.rows if row[: len(begins)] == list(begins))
        return found
