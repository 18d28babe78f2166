from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import matplotlib as mpl
import pytest
from PIL import Image
from tests.report.seen import overlaps, words

from outboxbench.report import style
from outboxbench.report.charts import percentile_spectrum, ratios, throughput
from outboxbench.report.charts.catalogue import CATALOGUE
from outboxbench.report.charts.frame import NoDataError
from outboxbench.report.charts.render import render_charts
from outboxbench.results.folders import RunWriteError
from outboxbench.results.store import RunFolder

if TYPE_CHECKING:
    from pathlib import Path

    from tests.report.conftest import MadeUpRun, RunBuilder

# What a chart needs that a run of closed loops beside the server has not.
REASONS = {
    "rate-curve": "no strategy was offered three rates or more in an open loop",
    "timeline": "no open loop was measured, and no window of 10 s or more",
    "heat-map": "no open loop was measured, and no window of 10 s or more",
    "http": "no service was measured over HTTP",
    "network": "no strategy was measured at two distances from the server",
    "relay-drain": "no backlog was drained",
    "relay-latency": "no chain of orders was measured",
    "relay-backlog": "no relay was measured",
    "fault-unavailability": "no fault was injected",
    "fault-outcomes": "no operation was due after the onset of a fault",
    "fault-recovery": "no fault was injected",
    "fault-timeline": "no strategy went through a fault",
    "thesis": "no fault was met by five arms that differ in what became of them",
}
OF_CLOSED_LOOPS = set(CATALOGUE) - REASONS.keys()
STARTED_AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder.create(tmp_path, "quick", STARTED_AT)


def test_every_chart_is_written_as_png_and_svg(quick_run: MadeUpRun, folder: RunFolder) -> None:
    rendered = render_charts(quick_run.record(folder), folder)

    assert rendered.left_out == REASONS
    assert sorted(path.name for path in rendered.files) == sorted(
        f"{name}.{format_}" for name in OF_CLOSED_LOOPS for format_ in ("png", "svg")
    )
    for path in rendered.files:
        assert path.parent == folder.charts_folder
        if path.suffix == ".png":
            with Image.open(path) as image:
                image.verify()
                assert image.width == 1650


def test_an_svg_says_in_words_what_it_shows(quick_run: MadeUpRun, folder: RunFolder) -> None:
    render_charts(quick_run.record(folder), folder)

    for name in OF_CLOSED_LOOPS:
        root = ET.fromstring((folder.charts_folder / f"{name}.svg").read_text())  # noqa: S314
        title = root.find("{http://www.w3.org/2000/svg}title")
        description = root.find(".//{http://purl.org/dc/elements/1.1/}description")
        assert title is not None
        assert title.text is not None
        assert "suite quick" in title.text
        assert description is not None
        assert description.text is not None
        assert "orm-psycopg uvloop" in description.text
        assert "verdict pass" in description.text


def test_the_same_run_gives_the_same_svg(quick_run: MadeUpRun, tmp_path: Path) -> None:
    def drawn(parent: str) -> list[bytes]:
        folder = RunFolder.create(tmp_path / parent, "quick", STARTED_AT)
        files = render_charts(quick_run.record(folder), folder).files
        return [path.read_bytes() for path in files if path.suffix == ".svg"]

    assert drawn("first") == drawn("second")


def test_drawing_leaves_matplotlib_as_it_was(quick_run: MadeUpRun, folder: RunFolder) -> None:
    before = dict(mpl.rcParams)
    render_charts(quick_run.record(folder), folder)

    assert dict(mpl.rcParams) == before


def test_a_chart_without_data_is_left_out_with_a_reason(
    build_run: RunBuilder, folder: RunFolder
) -> None:
    made_up = build_run(rounds=0)

    rendered = render_charts(made_up.run, folder)

    assert rendered.files == ()
    assert rendered.left_out == {
        "throughput": "no strategy was measured in a closed loop",
        "ratios": "no arm has one that it could be compared with in two rounds",
        "percentile-spectrum": "no strategy has the 20 samples that a median needs",
        "ecdf": "no strategy has a round with the 20 samples that a median needs",
        "cost": "no CPU time of client or server was counted",
        **REASONS,
    }
    assert list(folder.charts_folder.iterdir()) == []


def test_a_damaged_histogram_costs_only_its_chart(quick_run: MadeUpRun, folder: RunFolder) -> None:
    run = quick_run.record(folder)
    next(folder.histograms_folder.iterdir()).write_bytes(b"")

    rendered = render_charts(run, folder)

    assert {path.stem for path in rendered.files} == {"throughput", "ratios", "cost"}
    assert "was changed after the run" in rendered.left_out["percentile-spectrum"]


def test_charts_that_cannot_be_written_are_an_error(
    quick_run: MadeUpRun, folder: RunFolder
) -> None:
    folder.charts_folder.rmdir()
    folder.charts_folder.write_text("in the way")

    with pytest.raises(RunWriteError, match="cannot write the chart throughput"):
        render_charts(quick_run.run, folder)


@pytest.mark.parametrize(
    "shape",
    [
        {},
        {"failing": ("psycopg-uvloop", "orm-asyncpg-asyncio")},
        {"workloads": ("charge", "place"), "profiles": ("matched", "idiomatic")},
        {"strategies": {"a-strategy-with-a-very-long-name": (4000.0, 4600.0)}},
        {"strategies": {f"same-{number}": (1000.0, 1000.0) for number in range(9)}},
        {"rounds": 1, "window_s": 0.1},
    ],
    ids=["quick", "failing", "four tables", "long name", "all alike", "short"],
)
def test_no_text_covers_another(build_run: RunBuilder, shape: dict[str, Any]) -> None:
    made_up = build_run(**shape)

    assert overlaps(throughput.draw(made_up.run)) == []
    if made_up.run.comparisons:
        assert overlaps(ratios.draw(made_up.run)) == []
    assert overlaps(percentile_spectrum.draw(made_up.run, made_up.histograms)) == []


def test_bars_begin_at_zero(quick_run: MadeUpRun) -> None:
    [axes] = throughput.draw(quick_run.run).axes

    assert axes.get_xlim()[0] == 0
    assert axes.get_xscale() == "linear"


def test_bars_are_ranked_and_stand_beside_figure_and_verdict(build_run: RunBuilder) -> None:
    made_up = build_run(failing=("psycopg-uvloop",))
    [axes] = throughput.draw(made_up.run).axes

    lengths = [patch.get_width() for patch in axes.patches if hasattr(patch, "get_width")][-12:]
    shown = [text.get_text() for text in axes.texts]

    assert lengths == sorted(lengths, reverse=True)
    assert shown.count("pass") == 11
    assert shown.count("✗ FAIL") == 1
    assert [f"{length:,.0f}" for length in lengths] == [
        text for text in shown if text.replace(",", "").isdigit()
    ]


def test_the_run_that_must_not_be_trusted_says_so(build_run: RunBuilder) -> None:
    made_up = build_run(failing=("psycopg-uvloop",), server_settings={"fsync": "off"})
    run = made_up.run.model_copy(update={"complete": False})

    for figure in (throughput.draw(run), percentile_spectrum.draw(run, made_up.histograms)):
        assert "Verdict of the run: ✗ FAIL" in words(figure)
        assert "fsync=off" in words(figure)
        assert "incomplete" in words(figure)


def test_latencies_of_a_closed_loop_come_with_their_caveat(quick_run: MadeUpRun) -> None:
    figure = percentile_spectrum.draw(quick_run.run, quick_run.histograms)

    assert "queueing is hidden" in words(figure)


def test_a_latency_line_ends_where_its_samples_do(quick_run: MadeUpRun) -> None:
    figure = percentile_spectrum.draw(quick_run.run, quick_run.histograms)

    assert [axes.get_xscale() for axes in figure.axes] == ["log", "log"]
    most = max(histogram.get_total_count() for histogram in quick_run.histograms.values())
    for axes in figure.axes:
        assert axes.get_xlim() == pytest.approx((2, most / 10))


def test_an_arm_with_too_few_samples_is_named(quick_run: MadeUpRun) -> None:
    histograms = {
        name: histogram
        for name, histogram in quick_run.histograms.items()
        if name != "asyncpg-uvloop"
    }

    assert "too few samples: asyncpg-uvloop" in words(
        percentile_spectrum.draw(quick_run.run, histograms)
    )


def test_a_ceiling_alone_is_no_latency_chart(quick_run: MadeUpRun) -> None:
    with pytest.raises(NoDataError):
        percentile_spectrum.draw(quick_run.run, {"pgbench": quick_run.histograms["pgbench"]})


def test_a_strategy_looks_the_same_whoever_else_took_part(quick_run: MadeUpRun) -> None:
    looks = {arm.strategy: style.look(arm) for arm in quick_run.run.arms}

    assert len(set(looks.values())) == 7
    assert len({look.colour for look in looks.values()}) == 7
    stranger = quick_run.run.arms[1].model_copy(update={"strategy": "somebody-elses"})
    assert style.look(stranger) == style.look(stranger)
    assert style.look(stranger) not in looks.values()
