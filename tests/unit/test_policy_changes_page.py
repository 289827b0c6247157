"""The page about tighter and looser says what the comparison does: every key has its examples, and each holds."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_origin

import pytest
import yaml

from gatekeeper.policy.compare import Direction, compare
from gatekeeper.policy.keys import fields, keyed
from gatekeeper.policy.loader import PolicyFile, Severity, load
from gatekeeper.policy.model import Service
from gatekeeper.policy.native import ServiceFile
from gatekeeper.policy.values import Model

PAGE = (Path(__file__).parents[2] / "docs" / "policy-changes.md").read_text()
COLUMNS = (Direction.TIGHTER, Direction.LOOSER, Direction.NEUTRAL)
NOTHING = "nothing"
VALUE = rf"(`[^`]*`|{NOTHING})"
FILE = """\
apiVersion: gatekeeper/v1
kind: Service
metadata: {name: checkout}
spec:
  objectives:
    - {target: 99.9%, indicator: {prometheus: {bad: errors_total, total: requests_total}}}
  changes: [{repository: acme/shop}]
  gate:
    unknown: {then: block}
    postmortems: [{incident: "2026-11-20T12:00:00Z", link: "https://wiki.acme.example/1"}]
  adjustments:
    - {from: 2026-11-08T02:00:00Z, to: 2026-11-08T04:00:00Z, reason: maintenance}
  exceptions: [{target: 98%, until: 2026-12-31, reason: peak season}]
  redundancy: {instances: 3, regions: 3, query: up, region: zone}
  review: {from: 2026-11-02}
"""
IDENTITY = {"apiVersion", "kind", "metadata.name"}
"""What says which policy it is, not what it says: of these the page speaks in words."""
AS_A_WHOLE = ("spec.objectives[].indicator", "spec.objectives[].window", "spec.objectives[].method")
"""Blocks that are compared as one value."""


def rows() -> Iterator[tuple[str, Direction, str, str]]:
    """Each example: the key, the direction that the page gives it, the value before and the one after."""
    prefix = ""
    for line in PAGE.splitlines():
        if heading := re.fullmatch(r"#+ (?:`(.*)`|.*)", line):
            prefix = f"{heading[1]}." if heading[1] else ""
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if prefix and len(cells) == 5 and (key := re.fullmatch(r"`(\w+)`", cells[0])):
            for direction, cell in zip(COLUMNS, cells[1:4], strict=True):
                for before, after in re.findall(f"{VALUE} → {VALUE}", cell):
                    yield prefix + key[1], direction, before.strip("`"), after.strip("`")


def leaves(model: type[Model], prefix: str = "") -> Iterator[str]:
    for name, inner in fields(model):
        many = "[]" if inner and get_origin(keyed(model)[name].annotation) is tuple else ""
        path = f"{prefix}{name}{many}"
        if inner is None or path in AS_A_WHOLE:
            yield path
        else:
            yield from leaves(inner, f"{path}.")


ROWS = list(rows())


def test_every_key_has_an_example() -> None:
    assert set(leaves(ServiceFile)) - IDENTITY == {path for path, *_ in ROWS}


def policy(path: str, value: str) -> Service:
    """The policy with another value at a path."""
    document: dict[str, Any] = yaml.load(FILE, yaml.BaseLoader)  # noqa: S506 - it makes nothing but text of all values
    *blocks, key = path.split(".")
    block: Any = document
    for name in blocks:
        block = block.setdefault(name.removesuffix("[]"), {})
        block = block[0] if name.endswith("[]") else block
    block.pop(key, None)
    if value != NOTHING:
        block[key] = yaml.load(value, yaml.BaseLoader)  # noqa: S506 - as above
    text = yaml.safe_dump(document, sort_keys=False, width=10_000)
    loaded = load([PolicyFile("p.yaml", unquoted(text))], organization="acme", repository="acme/shop")
    assert [one for one in loaded.problems if one.severity is Severity.ERROR] == []
    (service,) = loaded.services
    return service


def unquoted(text: str) -> str:
    """Numbers and such as they are, since the loader tells them from text."""
    return re.sub(r"'(\d+|true|false)'", r"\1", text)


@pytest.mark.parametrize(
    ("path", "direction", "before", "after"),
    [pytest.param(*row, id=f"{row[0]}: {row[2]} to {row[3]} is {row[1]}") for row in ROWS],
)
def test_the_example_holds(path: str, direction: Direction, before: str, after: str) -> None:
    found = compare([policy(path, before)], [policy(path, after)])
    directions = {one.direction for one in found}
    if direction is Direction.LOOSER:
        assert Direction.LOOSER in directions
    else:
        assert directions <= {direction}
        assert found or direction is Direction.NEUTRAL
