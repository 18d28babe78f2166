"""Debian's Chromium, which opens reports from the disk as a reader would."""

from __future__ import annotations

import os
import shutil
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Literal, Protocol

import pytest
from playwright.sync_api import sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

TIMEOUT_MS = 20_000


@dataclass(frozen=True)
class OpenReport:
    """A report in a tab of its own, with all that it has complained of or asked for since."""

    page: Page
    problems: list[str] = field(default_factory=list)

    def watch(self, own_address: str) -> None:
        self.page.on("console", lambda message: self.problems.append(message.text))
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.on(
            "request",
            lambda request: (
                None
                if request.url == own_address or request.url.startswith("data:")
                else self.problems.append(f"asked for {request.url}")
            ),
        )


class Opener(Protocol):
    def __call__(
        self,
        html: str,
        *,
        width: int = ...,
        scheme: Literal["light", "dark"] = ...,
        javascript: bool = ...,
    ) -> OpenReport: ...


# A module at a time: its event loop must be gone before a test with one of its own begins.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        assert os.environ.get("OUTBOXBENCH_BROWSER") != "required", "no Chromium was found"
        pytest.skip("no Chromium: install it with `apt-get install chromium`")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, timeout=TIMEOUT_MS)
        yield browser
        browser.close()


@pytest.fixture
def open_report(browser: Browser, tmp_path: Path) -> Iterator[Opener]:
    numbers = count()
    with ExitStack() as contexts:

        def opened(
            html: str,
            *,
            width: int = 1280,
            scheme: Literal["light", "dark"] = "light",
            javascript: bool = True,
        ) -> OpenReport:
            file = tmp_path / f"report-{next(numbers)}.html"
            file.write_text(html, encoding="utf-8")
            context = browser.new_context(
                viewport={"width": width, "height": 900},
                color_scheme=scheme,
                java_script_enabled=javascript,
                reduced_motion="reduce",
            )
            contexts.callback(context.close)
            context.set_default_timeout(TIMEOUT_MS)
            report = OpenReport(context.new_page())
            report.watch(file.as_uri())
            report.page.goto(file.as_uri())
            return report

        yield opened
