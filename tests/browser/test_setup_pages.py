"""``/setup`` clicked through in a real browser, from the first page over GitHub's to the last."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect, sync_playwright
from werkzeug.serving import make_server

from gatekeeper.bootstrap import build
from gatekeeper.demo.github import StandIn
from gatekeeper.settings import Settings
from gatekeeper.web.app import create_app
from ports import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CHROMIUM = "/usr/bin/chromium"
QUIETLY = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "credentials"
    made.mkdir()
    return made


@pytest.fixture
def site(tmp_path: Path, folder: Path) -> Iterator[str]:
    url = f"http://127.0.0.1:{(port := free_port())}"
    with StandIn() as github:
        environ = {
            "GATEKEEPER_DATABASE_URL": f"sqlite:///{tmp_path}/gatekeeper.db",
            "GATEKEEPER_GITHUB_API_URL": github.url,
            "GATEKEEPER_PUBLIC_URL": url,
            "GATEKEEPER_SETUP_DIRECTORY": str(folder),
        }
        gatekeeper = build(Settings.from_env(environ))
        server = make_server("127.0.0.1", port, create_app(gatekeeper), threaded=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield url
        server.shutdown()
        server.server_close()
        gatekeeper.close()


def test_the_wizard_can_be_clicked_through(site: str, folder: Path, tmp_path: Path) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIETLY)
        page = browser.new_page()
        complaints: list[str] = []
        page.on("console", lambda one: complaints.append(f"{one.location['url']}: {one.text}"))
        page.goto(f"{site}/setup")
        page.screenshot(path=tmp_path / "begin.png")
        page.get_by_label("Organisation").fill("acme")
        page.get_by_label("Set-up key").fill((folder / "setup-key").read_text())
        page.get_by_role("button", name="Continue").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("What the App asks for")
        page.screenshot(path=tmp_path / "register.png")
        page.get_by_role("button", name="Register it on GitHub for acme").click()
        page.get_by_role("button", name="Create GitHub App for acme").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("gatekeeper-acme is registered")
        page.screenshot(path=tmp_path / "done.png")
        browser.close()
    assert [one for one in complaints if one.startswith(site)] == []
    kept = json.loads((folder / "github-app.json").read_text())
    assert kept.keys() == {"github_app_id", "github_private_key", "webhook_secret"}
