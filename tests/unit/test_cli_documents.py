"""The pages about commands, API and operations: they name everything there is, and nothing that is not."""

import re
from collections.abc import Iterator
from inspect import signature
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

import faces
from gatekeeper.bootstrap import Gatekeeper
from gatekeeper.cli.program import PANELS
from gatekeeper.web.app import create_app
from gatekeeper.web.models import GateReport, ObjectiveReport, ServiceDetail, ServiceReport

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def gatekeeper(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gatekeeper]:
    one = faces.gatekeeper_at(tmp_path_factory.mktemp("documents"))
    yield one
    one.close()


def test_every_command_has_its_heading_and_its_options() -> None:
    text = (DOCS / "cli.md").read_text()
    headings = {heading.split()[1]: heading for heading in re.findall(r"^### `(.*)`$", text, re.MULTILINE)}
    commands = {command.__name__.rstrip("_"): command for panel in PANELS.values() for command in panel}
    assert set(headings) == set(commands)
    assert all(f"## {panel}\n" in text for panel in PANELS)
    for name, command in commands.items():
        told = set(re.findall(r"--(?:no-)?([a-z]+)", headings[name]))
        options = (one.name for one in signature(command).parameters.values() if one.kind is one.KEYWORD_ONLY)
        taken = {option.removeprefix("as_") for option in options}
        assert told == taken, name


def test_every_address_is_listed(gatekeeper: Gatekeeper) -> None:
    text = (DOCS / "api.md").read_text()
    for rule in create_app(gatekeeper).url_map.iter_rules():
        address = rule.rule.replace("<name>", "NAME").replace("<identity>", "ID")
        if not address.startswith("/static"):
            assert f"`GET {address}" in text or f"`POST {address}" in text, address


@pytest.mark.parametrize("model", [ServiceReport, ServiceDetail, ObjectiveReport, GateReport])
def test_every_key_of_the_api_is_named(model: type[ServiceReport]) -> None:
    text = (DOCS / "api.md").read_text()
    assert [key for key in model.model_fields if f'"{key}"' not in text and f"`{key}`" not in text] == []


def test_every_metric_is_listed_and_no_other(gatekeeper: Gatekeeper) -> None:
    listed = set(re.findall(r"`(gatekeeper_\w+)`", (DOCS / "operations.md").read_text()))
    families = text_string_to_metric_families(create_app(gatekeeper).test_client().get("/metrics").text)
    exposed = {one.name + ("_total" if one.type == "counter" else "") for one in families}
    assert listed == exposed
