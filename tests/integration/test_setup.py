"""``/setup`` against the stand-in GitHub: from nothing to credentials that work."""

from __future__ import annotations

import base64
import html
import re
import stat
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
import structlog

from gatekeeper.bootstrap import build
from gatekeeper.demo.github import StandIn
from gatekeeper.github.needs import EVENTS, HELPFUL_EVENTS, NEEDED, WANTED
from gatekeeper.settings import Settings
from gatekeeper.web.app import create_app

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

PUBLIC = "https://gatekeeper.acme.example"


@pytest.fixture
def github() -> Iterator[StandIn]:
    with StandIn() as one:
        yield one


@pytest.fixture
def environ(tmp_path: Path, github: StandIn) -> dict[str, str]:
    return {
        "GATEKEEPER_DATABASE_URL": f"sqlite:///{tmp_path}/gatekeeper.db",
        "GATEKEEPER_GITHUB_API_URL": github.url,
        "GATEKEEPER_PUBLIC_URL": PUBLIC,
    }


@pytest.fixture
def into_a_folder(environ: dict[str, str], tmp_path: Path) -> dict[str, str]:
    folder = tmp_path / "credentials"
    folder.mkdir()
    return environ | {"GATEKEEPER_SETUP_DIRECTORY": str(folder)}


class Server:
    """The pages of a Gatekeeper that is set up so, for as long as the ``with`` block lasts."""

    def __init__(self, environ: dict[str, str]) -> None:
        self._gatekeeper = build(Settings.from_env(environ))

    def __enter__(self) -> FlaskClient:
        return create_app(self._gatekeeper).test_client()

    def __exit__(self, *_: object) -> None:
        self._gatekeeper.close()


def register(browser: FlaskClient, **form: str) -> TestResponse:
    return browser.post("/setup", data={"organization": "acme"} | form, base_url=PUBLIC)


def confirm(page: TestResponse, name: str = "Gatekeeper acme") -> str:
    """What a person does on GitHub with the form of a page; path and query that GitHub sends them back to."""
    text = page.get_data(as_text=True)
    action = found(r'action="([^"]+)"', text)
    sent = requests.post(action, {"manifest": found(r'name="manifest" value="([^"]+)"', text)}, timeout=15)
    assert sent.status_code == 200, sent.text
    fields = {
        one: found(rf'name="{one}" value="([^"]*)"', sent.text) for one in ("manifest", "owner", "state")
    }
    root = "{0.scheme}://{0.netloc}".format(urlsplit(action))
    back = requests.post(
        f"{root}/settings/apps/manifest", fields | {"name": name}, allow_redirects=False, timeout=15
    )
    assert back.status_code == 302, back.text
    assert back.headers["Location"].startswith(f"{PUBLIC}/setup/callback?")
    return back.headers["Location"].removeprefix(PUBLIC)


def found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    assert match, f"no {pattern} in {text}"
    return html.unescape(match[1])


def assert_works(environ: dict[str, str], github: StandIn) -> None:
    """The credentials are those of an App that was granted what is needed, and told of the right webhook."""
    settings = Settings.from_env(environ)
    gatekeeper = build(settings)
    try:
        assert gatekeeper.github is not None
        told = gatekeeper.github.app()
    finally:
        gatekeeper.close()
    assert told["slug"] == "gatekeeper-acme"
    assert told["permissions"] == NEEDED | WANTED
    assert set(told["events"]) == EVENTS | HELPFUL_EVENTS
    hook = github.deliveries.hook
    assert hook is not None
    assert (hook.url, settings.webhook_secrets) == (f"{PUBLIC}/webhooks/github", (hook.secret.encode(),))


def test_the_wizard_ends_with_credentials_that_work_at_the_next_start(
    into_a_folder: dict[str, str], github: StandIn, tmp_path: Path
) -> None:
    file, key_file = tmp_path / "credentials/github-app.json", tmp_path / "credentials/setup-key"
    with Server(into_a_folder) as browser:
        assert str(key_file) in browser.get("/setup", base_url=PUBLIC).get_data(as_text=True)
        page = register(browser, key=key_file.read_text())
        done = browser.get(confirm(page), base_url=PUBLIC)
        assert done.status_code == 200
        assert str(file) in done.get_data(as_text=True)
        assert "data:" not in done.get_data(as_text=True), "the secrets do not travel when they need not"
        assert browser.get("/setup", base_url=PUBLIC).status_code == 404, "done, also before the restart"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [one.name for one in file.parent.iterdir()] == [file.name]
    assert_works(into_a_folder, github)
    with Server(into_a_folder) as browser:
        assert browser.get("/setup").status_code == 404


def test_without_a_folder_the_credentials_are_a_download(environ: dict[str, str], github: StandIn) -> None:
    with Server(environ) as browser, structlog.testing.capture_logs() as logged:
        done = browser.get(confirm(register(browser)), base_url=PUBLIC)
        packed = found(r'href="data:application/octet-stream;base64,([^"]+)"', done.get_data(as_text=True))
    lines = base64.b64decode(packed).decode().splitlines()
    given = dict(line.split("=", 1) for line in lines)
    assert_works(environ | given, github)
    assert done.headers["Cache-Control"] == "no-store"
    for secret in (given["GATEKEEPER_WEBHOOK_SECRET"], given["GATEKEEPER_GITHUB_PRIVATE_KEY"][40:80]):
        assert secret not in str(logged)


def test_credentials_that_cannot_be_written_are_not_lost(
    into_a_folder: dict[str, str], tmp_path: Path
) -> None:
    with Server(into_a_folder) as browser:
        browser.get("/setup", base_url=PUBLIC)
        back = confirm(register(browser, key=(tmp_path / "credentials/setup-key").read_text()))
        (tmp_path / "credentials/github-app.json").symlink_to("nowhere")
        done = browser.get(back, base_url=PUBLIC).get_data(as_text=True)
    assert "could not be written" in done
    assert "data:application/octet-stream;base64," in done


def test_a_browser_that_did_not_begin_is_refused(environ: dict[str, str]) -> None:
    with Server(environ) as browser:
        back = confirm(register(browser))
        stranger = browser.application.test_client()
        assert stranger.get(back, base_url=PUBLIC).status_code == 403
        assert browser.get(f"{back}0", base_url=PUBLIC).status_code == 403
        assert browser.get(back, base_url=PUBLIC).status_code == 200, "the code was not used up by them"
        assert browser.get(back, base_url=PUBLIC).status_code == 403, "it ends with the first success"


def test_who_cannot_read_the_key_cannot_begin(into_a_folder: dict[str, str]) -> None:
    with Server(into_a_folder) as browser:
        browser.get("/setup", base_url=PUBLIC)
        assert register(browser).status_code == 403
        assert register(browser, key="guessed").status_code == 403


def test_who_cannot_read_the_key_cannot_end_what_they_began_elsewhere(into_a_folder: dict[str, str]) -> None:
    """Somebody runs a wizard without a key and brings cookie, state and code of an App of their own here."""
    theirs = {name: value for name, value in into_a_folder.items() if "DIRECTORY" not in name}
    with Server(theirs) as browser:
        back = confirm(register(browser))
        cookie = browser.get_cookie("gatekeeper_setup", domain="gatekeeper.acme.example", path="/setup")
        assert cookie is not None
    with Server(into_a_folder) as browser:
        browser.get("/setup", base_url=PUBLIC)
        browser.set_cookie("gatekeeper_setup", cookie.value, domain="gatekeeper.acme.example", path="/setup")
        assert browser.get(back, base_url=PUBLIC).status_code == 403


def test_a_code_that_is_too_old_is_said(environ: dict[str, str], github: StandIn) -> None:
    with Server(environ) as browser:
        back = confirm(register(browser))
        github.state.codes.clear()
        answer = browser.get(back, base_url=PUBLIC)
        assert answer.status_code == 502
        assert "older than an hour" in answer.get_data(as_text=True)
        assert parse_qs(urlsplit(back).query)["code"][0] not in answer.get_data(as_text=True)


@pytest.mark.parametrize(
    ("change", "status"),
    [
        pytest.param({"GATEKEEPER_GITHUB_TOKEN": "t"}, 404, id="a token is set"),
        pytest.param({"GATEKEEPER_PUBLIC_URL": ""}, 409, id="nobody knows where GitHub would send to"),
        pytest.param({"GATEKEEPER_SETUP_DIRECTORY": "/nowhere"}, 500, id="the folder is not there"),
    ],
)
def test_the_wizard_says_why_it_does_not_begin(
    environ: dict[str, str], change: dict[str, str], status: int
) -> None:
    with Server(environ | change) as browser:
        assert browser.get("/setup").status_code == status


def test_forms_may_go_to_github_and_only_from_here(environ: dict[str, str], github: StandIn) -> None:
    with Server(environ) as browser:
        wizard = browser.get("/setup").headers["Content-Security-Policy"]
        assert f"form-action 'self' {github.url};" in wizard
        assert "form-action 'none'" in browser.get("/").headers["Content-Security-Policy"]


def test_an_organisation_that_is_none_is_refused(environ: dict[str, str]) -> None:
    with Server(environ) as browser:
        assert register(browser, organization="acme/../evil").status_code == 400
