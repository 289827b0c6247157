"""The reference page says what the model does: each key, its default, what works and what does not."""

import re
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, get_origin

import pytest
import yaml
from pydantic_core import PydanticUndefined

from gatekeeper.availability.window import Rolling
from gatekeeper.policy.floors import Floors
from gatekeeper.policy.gate import Mode
from gatekeeper.policy.keys import LATER, fields, keyed
from gatekeeper.policy.loader import PolicyFile, Severity, load
from gatekeeper.policy.native import DefaultsFile, ServiceFile
from gatekeeper.policy.reference import rows
from gatekeeper.policy.schema import DEFAULTS
from gatekeeper.policy.units import parse_duration, parse_share
from gatekeeper.policy.values import Model, leaves

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "policy-reference.md").read_text()
EXAMPLES = sorted((ROOT / "policies").glob("*.yaml"))


def model_keys(model: type[Model], prefix: str = "") -> Iterator[tuple[str, type[Model] | None, Any]]:
    for name, inner in fields(model):
        field = keyed(model)[name]
        path = prefix + name + ("[]" if inner and get_origin(field.annotation) is tuple else "")
        yield path, inner, field.default
        if inner is not None:
            yield from model_keys(inner, f"{path}.")


def announced_keys(model: type[Model]) -> Iterator[tuple[str, str]]:
    """Keys that nothing acts on yet, and where they are."""
    blocks = [("", model), *((path, inner) for path, inner, _ in model_keys(model) if inner is not None)]
    for path, block in blocks:
        yield from ((path, key) for key in sorted(block.dormant))


def reads_as(text: str, default: Any) -> bool:
    if isinstance(default, Decimal):
        return parse_share(text if text.endswith("%") else 0) == default
    if isinstance(default, Rolling):
        return Rolling(parse_duration(text)) == default
    if isinstance(default, timedelta):
        return parse_duration(text) == default
    if isinstance(default, tuple):
        return tuple(yaml.safe_load(text)) == default
    return text == str(default)


ROWS = {row.path: row for row in rows(PAGE)}
LATENCY = "spec.objectives[].indicator.prometheus.latency"
EITHER: dict[str, dict[str, Any]] = {
    "spec.objectives[].window": {"calendar": "month"},
    "spec.objectives[].method": {"timeslices": {"target": "99%"}},
    LATENCY: {"histogram": "x_seconds", "below": "1s"},
}
"""Keys that are one word (or absent) or a block of keys, and such a block."""
ABSENT: dict[str, dict[str, Any]] = {
    "spec.redundancy": {"instances": 3, "regions": 3, "query": "up", "region": "zone"},
    "spec.review": {"from": "2026-11-02"},
}
"""Blocks that the full example does not have, and such a block."""
LEAVES = {
    path: default
    for path, inner, default in model_keys(ServiceFile)
    if inner is None or (path in EITHER and path != LATENCY)
}
FLOORS = "spec.floors."
LEAVES |= {FLOORS + key: floor for key, floor in leaves(Floors())}
LEAVES |= {
    DEFAULTS + path: default
    for path, _, default in model_keys(DefaultsFile)
    if path in {"metadata.owners", "spec.window"}
}
BLOCKS = [path for path, inner, _ in model_keys(ServiceFile) if inner is not None]


@pytest.mark.parametrize("path", sorted(LEAVES))
def test_every_key_has_its_row(path: str) -> None:
    assert path in ROWS


@pytest.mark.parametrize("path", BLOCKS)
def test_every_block_has_its_heading(path: str) -> None:
    assert re.search(rf"^#+ `{re.escape(path)}`$", PAGE, re.MULTILINE)


def test_the_page_invents_no_key() -> None:
    assert set(ROWS) == set(LEAVES)


@pytest.mark.parametrize("path", sorted(LEAVES))
def test_the_default_is_the_models(path: str) -> None:
    default = LEAVES[path]
    if default is PydanticUndefined:
        assert ROWS[path].default == "required"
    elif isinstance(default, bool):
        assert ROWS[path].default == str(default).lower()
    elif default:
        assert reads_as(ROWS[path].default, default)
    else:
        assert ROWS[path].default in {"none", "off", "0%", "the file's own", "the default branch"}


def with_value(path: str, value: Any) -> str:
    """The full example with another value at a path."""
    if path.startswith(DEFAULTS):
        return in_defaults(path.removeprefix(DEFAULTS), value)
    if path.startswith(FLOORS):
        return in_defaults(path, value)
    document = yaml.safe_load((ROOT / "policies" / "checkout.yaml").read_text())
    *blocks, key = path.split(".")
    block, above = document, ""
    for name in blocks:
        above = f"{above}.{name}".removeprefix(".")
        if above == LATENCY:
            block.clear()
        if above in EITHER | ABSENT:
            block[name] = dict((EITHER | ABSENT)[above])
        block = block[name.removesuffix("[]")]
        block = block[0] if name.endswith("[]") else block
    block[key] = value
    return yaml.safe_dump(document, sort_keys=False, width=10_000)


def in_defaults(path: str, value: Any) -> str:
    """Defaults that meet every floor, with a value at a path."""
    gate = {"mode": "enforce", "override": {"teams": ["@acme/sre"], "reason": "required"}}
    document: dict[str, Any] = {"apiVersion": "gatekeeper/v1", "kind": "Defaults", "spec": {"gate": gate}}
    *blocks, key = path.split(".")
    block = document
    for name in blocks:
        block = block.setdefault(name, {})
    block[key] = value
    return yaml.safe_dump(document, width=10_000)


def as_yaml_12(text: str) -> Any:
    """A cell's value; ``off`` is a word in our files."""
    return text if text == "off" else yaml.safe_load(text)


@pytest.mark.parametrize("path", sorted(path for path, row in ROWS.items() if row.example))
def test_the_example_works(path: str) -> None:
    loaded = load(
        [PolicyFile("p.yaml", with_value(path, as_yaml_12(ROWS[path].example)))], organization="acme"
    )
    assert loaded.ok, loaded.problems


@pytest.mark.parametrize("path", sorted(path for path, row in ROWS.items() if row.mistake))
def test_the_mistake_is_told_as_the_page_says(path: str) -> None:
    text = with_value(path, as_yaml_12(ROWS[path].mistake))
    problems = load([PolicyFile("p.yaml", text)], organization="acme").problems
    errors = [str(problem) for problem in problems if problem.severity is Severity.ERROR]
    assert [ROWS[path].said in error for error in errors] == [True], problems


def test_every_key_shows_a_mistake() -> None:
    assert [path for path, row in ROWS.items() if not row.mistake] == []


@pytest.mark.parametrize("block", re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL))
def test_a_whole_example_on_the_page_works(block: str) -> None:
    loaded = load([PolicyFile("p.yaml", block)], organization="acme")
    assert loaded.problems == ()
    assert loaded.services or loaded.defaults


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_an_example_file_works_on_its_own(path: Path) -> None:
    loaded = load([PolicyFile(path.name, path.read_text())], organization="acme")
    assert loaded.ok, loaded.problems


def test_the_example_files_work_together() -> None:
    files = [PolicyFile(path.name, path.read_text()) for path in EXAMPLES]
    loaded = load(files, organization="acme", repository="acme/policies", commit="c0ffee")
    assert loaded.problems == ()
    assert {service.name: service.gate.mode for service in loaded.services} == {
        "billing": Mode.ADVISE,
        "catalogue": Mode.ADVISE,
        "checkout": Mode.ENFORCE,
        "newsletter": Mode.ADVISE,
        "recommendations": Mode.ADVISE,
        "search": Mode.ENFORCE,
    }


@pytest.mark.parametrize(("where", "key"), list(announced_keys(ServiceFile)))
def test_every_key_without_effect_is_said_to_come(where: str, key: str) -> None:
    section = PAGE[PAGE.index("## What comes later") :]
    assert re.search(rf"^\| `{re.escape(where)}` \|.*`{key}`", section, re.MULTILINE)


def test_messages_link_to_a_section_that_exists() -> None:
    path, anchor = LATER.split("#")
    headings = re.findall(r"^#+ (.*)$", (ROOT / path).read_text(), re.MULTILINE)
    assert anchor in {heading.lower().replace(" ", "-") for heading in headings}
