"""The page of a backtest in a real browser: all of it on a telephone as on a screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect, sync_playwright

import faces
from builders import DAY, HOUR, NOW, a_service
from gatekeeper.cli.backtest.page import page
from gatekeeper.cli.backtest.report import Report, Trial
from gatekeeper.decide.backtest.simulate import simulate
from gatekeeper.decide.backtest.waiting import Outcome, Waiting
from pasts import START, a_past

if TYPE_CHECKING:
    from pathlib import Path

CHROMIUM = "/usr/bin/chromium"
BESIDE = """
() => [...document.querySelectorAll("body *")]
  .filter(one => one.getClientRects().length && one.getBoundingClientRect().right > innerWidth + 1)
  .map(one => `${one.tagName}.${one.getAttribute("class")}`)
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    past = a_past((2 * DAY, HOUR, 0.2), gap=5 * DAY)
    service = a_service("checkout", past.objective)
    result = simulate([past], service.gate, START, NOW)
    waits = tuple(
        Waiting("acme/shop#1", faces.HOSTILE, ((one.at, one.at + HOUR),), Outcome.BLOCKED)
        for one in result.moves[:1]
    )
    trial = Trial(service, (past,), result, waits)
    written = tmp_path / "backtest.html"
    written.write_text(page([Report(trial, trial, 1)]))
    return written


@pytest.mark.parametrize("width", [380, 1280])
def test_nothing_lies_beside_the_screen_and_one_plot_is_shown(width: int, file: Path) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        shown = browser.new_page(viewport={"width": width, "height": 900})
        shown.goto(file.as_uri())
        expect(shown.get_by_role("img")).to_have_count(1)
        assert shown.evaluate(BESIDE) == []
        browser.close()
