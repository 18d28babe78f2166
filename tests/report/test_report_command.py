"""`outboxbench report`: what it writes of a run's folder, and how it refuses what it cannot do."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import TYPE_CHECKING, NamedTuple, Protocol

import pytest
from PIL import Image

from outboxbench.cli import main
from outboxbench.report.charts.catalogue import CATALOGUE
from outboxbench.results.store import RunFolder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.report.conftest import MadeUpRun, RunBuilder

STARTED_AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
STRATEGIES = {"asyncpg": (900.0, 1000.0), "psycopg": (700.0, 800.0)}
DRAWN = ("throughput", "ratios", "percentile-spectrum", "ecdf", "cost")


class Said(NamedTuple):
    code: int
    output: str
    errors: str


class Report(Protocol):
    def __call__(self, *arguments: str | Path) -> Said: ...


class Opened(HTMLParser):
    """What a browser would see of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.sources: list[str] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.sources += [value or "" for name, value in attrs if name in {"src", "href"}]

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def opened(path: Path) -> Opened:
    page = Opened()
    page.feed(path.read_text(encoding="utf-8"))
    return page


@pytest.fixture
def report(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Report:
    """Run the command line in this process, where no calibration is found."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str | Path) -> Said:
        monkeypatch.setattr("sys.argv", ["outboxbench", "report", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        assert isinstance(ended.value.code, int)
        return Said(ended.value.code, *capsys.readouterr())

    return call


@pytest.fixture(scope="module")
def made_up(build_run: RunBuilder) -> MadeUpRun:
    return build_run(strategies=STRATEGIES)


@pytest.fixture
def keep(made_up: MadeUpRun, tmp_path: Path) -> Callable[..., Path]:
    """Leave a run with its histograms as the harness does; returns its folder."""

    def write(*, hours_later: int = 0, complete: bool = True) -> Path:
        started_at = STARTED_AT + timedelta(hours=hours_later)
        folder = RunFolder.create(tmp_path / "runs", "quick", started_at)
        run = made_up.record(folder)
        folder.write_run(run.model_copy(update={"started_at": started_at, "complete": complete}))
        return folder.path

    return write


def refusal(done: Said) -> str:
    """Return the one sentence on standard error."""
    assert done.code == 2, done.errors
    assert done.output == ""
    assert done.errors.startswith("outboxbench: ")
    assert done.errors.count("\n") == 1
    assert "unexpected" not in done.errors
    return done.errors.removeprefix("outboxbench: ").rstrip()


def charts_in(folder: Path) -> set[str]:
    return {path.name for path in (folder / "charts").iterdir()}


def test_a_page_holds_charts_and_tables_and_needs_no_other_file(
    report: Report, keep: Callable[..., Path]
) -> None:
    folder = keep()

    done = report(folder)

    assert (done.code, done.errors) == (0, "")
    assert done.output == f"{folder / 'report.html'}\n"
    assert charts_in(folder) == {f"{name}.{kind}" for name in DRAWN for kind in ("png", "svg")}
    page = opened(folder / "report.html")
    images = [source for source in page.sources if source.startswith("data:image/")]
    assert len(images) == len(DRAWN)
    assert all(source in images or source.startswith("#") for source in page.sources)
    told = "".join(page.words)
    assert "asyncpg uvloop is fastest with" in told
    assert "no relay was measured" in told
    assert "outboxbench run quick --seed 7" in told


def test_a_page_is_drawn_again_without_a_trace_of_the_earlier_one(
    report: Report, keep: Callable[..., Path]
) -> None:
    folder = keep()

    report(folder)
    first = (folder / "report.html").read_bytes()
    report(folder / "run.json")

    assert (folder / "report.html").read_bytes() == first


def test_markdown_is_on_standard_output_with_tables_and_the_command(
    report: Report, keep: Callable[..., Path]
) -> None:
    folder = keep()

    done = report(folder, "--format", "md")

    assert (done.code, done.errors) == (0, "")
    lines = done.output.splitlines()
    assert lines[0] == "# outboxbench: suite quick, 2026-03-01 12:00 UTC"
    [head] = [place for place, line in enumerate(lines) if line.startswith("| strategy |")]
    assert re.fullmatch(r"\|( -+:? \|)+", lines[head + 1])
    table = lines[head : lines.index("", head)]
    assert len(table) == 2 + 5
    assert len({line.count("|") for line in table}) == 1
    assert "outboxbench run quick --seed 7" in lines
    assert any(line.startswith("| processor | A Processor") for line in lines)
    assert "Repeat with --rounds 12" in done.output
    assert charts_in(folder) == set()


@pytest.mark.parametrize("kind", ["png", "svg"])
def test_charts_alone_are_drawn_in_one_format(
    kind: str, report: Report, keep: Callable[..., Path]
) -> None:
    folder = keep()

    done = report(folder, "--format", kind, "--only", "throughput,cost")

    assert (done.code, done.output) == (0, f"{folder / 'charts'}\n")
    assert charts_in(folder) == {f"throughput.{kind}", f"cost.{kind}"}
    assert not (folder / "report.html").exists()
    if kind == "png":
        with Image.open(folder / "charts" / "cost.png") as image:
            image.verify()


def test_a_chart_that_was_asked_for_and_has_no_data_is_told_of(
    report: Report, keep: Callable[..., Path]
) -> None:
    folder = keep()

    done = report(folder, "--format", "svg", "--only", "cost,network")

    assert done.code == 0
    assert "left out: network: no strategy was measured at two distances" in done.errors
    alone = refusal(report(folder, "--format", "svg", "--only", "network"))
    assert "has nothing to draw (network: no strategy was measured at two" in alone


def test_what_there_is_not_is_refused_in_a_sentence(
    report: Report, keep: Callable[..., Path], tmp_path: Path
) -> None:
    folder = keep()

    unknown = refusal(report(folder, "--only", "throughput,nosuch"))
    assert unknown.startswith("there is no chart 'nosuch': name some of throughput, ratios")
    assert all(name in unknown for name in CATALOGUE)
    assert "names nothing" in refusal(report(folder, "--only", ","))
    assert "name a folder that a run has left" in refusal(report(tmp_path / "none"))
    assert "name a folder that a run has left" in refusal(report(folder, "--compare", tmp_path))
    (folder / "run.json").write_text("{")
    assert "is damaged" in refusal(report(folder))
    assert "Markdown has no charts" in refusal(report(keep(), "--format", "md", "--only", "cost"))
    assert "'gif' is not one of" in refusal(report(keep(), "--format", "gif"))


@pytest.mark.parametrize("kind", ["html", "md"])
def test_a_run_that_was_interrupted_is_reported_and_loudly(
    kind: str, report: Report, keep: Callable[..., Path]
) -> None:
    folder = keep(complete=False)

    done = report(folder, "--format", kind)

    assert done.code == 0
    assert "INCOMPLETE: this run was interrupted" in done.errors
    if kind == "html":
        page = (folder / "report.html").read_text(encoding="utf-8")
        assert '<p class="caution" role="alert">INCOMPLETE' in page
    else:
        assert "> **INCOMPLETE" in done.output


def test_two_runs_stand_beside_each_other_with_their_comparison(
    report: Report, keep: Callable[..., Path]
) -> None:
    base, head = keep(), keep(hours_later=1)

    done = report(head, "--compare", base)

    assert (done.code, done.errors) == (0, "")
    page = opened(head / "report.html")
    assert sum(source.startswith("data:image/") for source in page.sources) == 2 * len(DRAWN)
    told = "".join(page.words)
    assert "head ÷ base" in told
    assert told.count(base.name) >= len(DRAWN)
    assert told.count(head.name) >= len(DRAWN)
    written = report(head, "--compare", base, "--format", "md").output
    assert written.startswith("# outboxbench: two runs of quick\n")
    assert written.count("## Environment") == 2


def test_what_makes_a_comparison_doubtful_stands_above_it(
    report: Report, keep: Callable[..., Path]
) -> None:
    base, head = keep(complete=False), keep(hours_later=1)

    done = report(head, "--compare", base, "--format", "md")

    assert "> **Beware: the base is not complete" in done.output
    same = report(head, "--compare", head, "--format", "md")
    assert "> **Beware: they are the same run" in same.output
    assert "without a comparison" in same.output


@pytest.mark.parametrize(
    ("kind", "name"), [("html", "report.html"), ("md", "report.md"), ("svg", "charts")]
)
def test_what_was_written_is_opened(
    kind: str,
    name: str,
    report: Report,
    keep: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    opened_addresses: list[str] = []

    def browser(address: str) -> bool:
        opened_addresses.append(address)
        return kind != "svg"

    monkeypatch.setattr("webbrowser.open", browser)
    folder = keep()

    done = report(folder, "--format", kind, "--open")

    assert done.code == 0
    assert opened_addresses == [(folder / name).resolve().as_uri()]
    assert (folder / name).exists()
    assert ("open it yourself" in done.errors) == (kind == "svg")
