"""The JSON Schema and the loader agree: what the loader accepts the schema accepts, and where it is laxer is listed."""

import json
import re
from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from typer.testing import CliRunner

from gatekeeper.cli.program import app
from gatekeeper.policy import instants, units
from gatekeeper.policy.document import Document, plain, read
from gatekeeper.policy.loader import PolicyFile, Severity, load
from gatekeeper.policy.schema import json_schema
from instances import JUNK, FromSchema, places, with_value, without

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "policy-reference.md").read_text()
SHIPPED = (ROOT / "src" / "gatekeeper" / "policy" / "schema.json").read_text()
SCHEMA: dict[str, Any] = json.loads(SHIPPED)
DEFINITIONS: Mapping[str, dict[str, Any]] = SCHEMA["$defs"]
VALIDATOR = Draft202012Validator(SCHEMA)
EXAMPLES = sorted((ROOT / "policies").glob("*.yaml"))
TOP = {"DefaultsFile": "Defaults", "ServiceFile": "Service"}


def errors(text: str) -> list[str]:
    """What the loader says against a file, in an organisation; warnings left out."""
    problems = load([PolicyFile("p.yaml", text)], organization="acme").problems
    return [str(one) for one in problems if one.severity is Severity.ERROR]


def written(instance: Any) -> str:
    """As a file: JSON is YAML."""
    return json.dumps(instance, ensure_ascii=False)


def instances(text: str) -> Iterator[Any]:
    """A file's documents as an editor validates them."""
    return (plain(one.root) for one in read("p.yaml", text) if isinstance(one, Document))


def accepted(instance: Any) -> bool:
    return VALIDATOR.is_valid(instance)


# What is shipped


def test_the_shipped_schema_is_current() -> None:
    """``python -m gatekeeper.policy.schema <docs/policy-reference.md >src/gatekeeper/policy/schema.json``"""
    assert json_schema(PAGE) == SCHEMA


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)


def test_the_command_prints_it() -> None:
    printed = CliRunner().invoke(app, ["schema"])
    assert (printed.exit_code, printed.output) == (0, SHIPPED)


def keys() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for name, definition in DEFINITIONS.items():
        yield from ((name, key, shape) for key, shape in definition.get("properties", {}).items())


def test_every_key_is_described_with_an_example() -> None:
    for name, key, shape in keys():
        block = shape.get("$ref") or shape.get("items", {}).get("$ref")
        if block and "description" not in shape:
            assert DEFINITIONS[block.rpartition("/")[2]]["description"], (name, key)
        else:
            assert shape["description"], (name, key)
            assert shape["examples"], (name, key)


KINDS = {
    units.SHARE_SHAPE["anyOf"][0]["pattern"]: "share",
    units.LASTING_SHAPE["pattern"]: "duration",
    units.PER_DAY_SHAPE["pattern"]: "how many",
    units.DELAY_SHAPE["pattern"]: "delay",
    instants.DAY_SHAPE["pattern"]: "day",
    instants.INSTANT_SHAPE["pattern"]: "time",
    "array": "list",
    "integer": "whole number",
    "boolean": "true or false",
    "object": "by the name",
    "string": "text|query|by a query",
}


def words(shape: dict[str, Any]) -> list[str]:
    """Of which the page has to say one, or each value that a key can have."""
    if "$ref" in shape:
        shape = DEFINITIONS[shape["$ref"].rpartition("/")[2]]
    if "anyOf" in shape:
        return words(shape["anyOf"][0])
    if values := shape.get("enum") or [shape[key] for key in ("const",) if key in shape]:
        return [str(value) for value in values]
    return [KINDS.get(shape.get("pattern", ""), KINDS[shape["type"]])]


@pytest.mark.parametrize(
    ("key", "shape"),
    [
        pytest.param(key, shape, id=f"{name}.{key}")
        for name, key, shape in keys()
        if "description" in shape and "const" not in shape
    ],
)
def test_the_page_says_what_kind_of_value_a_key_takes(key: str, shape: dict[str, Any]) -> None:
    assert [word for word in words(shape) if not re.search(word, shape["description"])] == []


@pytest.mark.parametrize(
    ("name", "key", "value"),
    [
        pytest.param(name, key, value, id=f"{name}.{key}: {value}")
        for name, key, shape in keys()
        for value in [*shape.get("examples", []), *([shape["default"]] if "default" in shape else [])]
    ],
)
def test_every_example_and_default_is_one(name: str, key: str, value: Any) -> None:
    if value == [] and "minItems" in DEFINITIONS[name]["properties"][key]:
        return  # the default of a list that, where a file has it, may not be empty
    part = {"$ref": f"#/$defs/{name}/properties/{key}", "$defs": DEFINITIONS}
    assert next(Draft202012Validator(part).iter_errors(value), None) is None


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_an_example_file_fits_and_names_the_schema(path: Path) -> None:
    text = path.read_text()
    (named,) = re.findall(r"^# yaml-language-server: \$schema=(.*)$", text, re.MULTILINE)
    assert (path.parent / named).resolve().read_text() == SHIPPED
    assert [accepted(one) for one in instances(text)] == [True]


@pytest.mark.parametrize("text", re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL))
def test_an_example_of_the_page_fits(text: str) -> None:
    assert [accepted(one) for one in instances(text)] == [True]


# Schema and loader


def _parts(instance: Any) -> Iterator[Any]:
    """Whatever stands somewhere in a document."""
    for path in places(instance):
        found = instance
        for step in path:
            found = found[step]
        yield found


SERVICE: dict[str, Any] = {
    "apiVersion": "gatekeeper/v1",
    "kind": "Service",
    "metadata": {"name": "checkout"},
    "spec": {
        "objectives": [
            {
                "target": "99.9%",
                "indicator": {
                    "prometheus": {"bad": 'http_requests_total{code=~"5.."}', "total": "http_requests_total"}
                },
            }
        ],
        "changes": [{"repository": "acme/shop"}],
    },
}
COUNTERS = ("spec", "objectives", 0, "indicator", "prometheus")
AT_NIGHT = {"from": "2026-11-08T02:00:00Z", "to": "2026-11-08T04:00:00Z", "reason": "load test"}
SEASON = {"target": "99%", "until": "2026-12-31", "reason": "agreed with sales"}


def differs(what: str, said: str, path: tuple[str | int, ...], value: Any) -> Any:
    return pytest.param(said, with_value(SERVICE, path, value), id=what)


DIFFERENCES = [
    differs("a query that is no PromQL", r"this is not PromQL: ", (*COUNTERS, "bad"), "sum("),
    differs(
        "a query of another sort",
        r"is an expression without \$window|\$window is not used|is a constant|takes no|"
        "gives a list of samples|one query is a bare counter|count the same events|"
        "this is asked once a minute|does not add up|has no metric|is no count of events",
        (*COUNTERS, "bad"),
        "up + up",
    ),
    differs(
        "a query of nothing but a comment, or too long",
        "the query is empty|the query is too|an offset must be",
        (*COUNTERS, "bad"),
        "#",
    ),
    differs(
        "what is no histogram",
        "a histogram is named, not computed|is one of a histogram's metrics|the bucket is chosen by below|"
        "histogram",
        COUNTERS,
        {"latency": {"histogram": "x_bucket", "below": "1s"}},
    ),
    differs(
        "counters that need or exclude each other",
        '"total" is missing|neither good nor bad|good and bad are both|and \\w+ are both given',
        COUNTERS,
        {"up": "up", "total": "x_total"},
    ),
    differs(
        "a share out of range",
        "is out of reach|leaves no budget|is no share of a budget|a slice cannot be",
        ("spec", "objectives", 0, "target"),
        "0%",
    ),
    differs(
        "a length out of range",
        "a window of .* is too|longer than ten years|this must last some time|is no number of days",
        ("spec", "objectives", 0, "window"),
        "91d",
    ),
    differs(
        "a delay of 0",
        "is no delay",
        COUNTERS,
        {"latency": {"histogram": "x", "below": "0s"}},
    ),
    differs(
        "a day or minute that is none",
        "is not in the calendar|is not a whole minute|is out of reach",
        ("spec", "exceptions"),
        [{**SEASON, "until": "2026-02-30"}],
    ),
    differs(
        "a time zone that is none",
        "is no time zone",
        ("spec", "objectives", 0, "window"),
        {"calendar": "month", "timezone": "Mars"},
    ),
    differs(
        "a pattern that matches nothing, or too slowly",
        "is no branch|is no path pattern|never matches a path|leaves the repository|only exclude|stars",
        ("spec", "changes", 0, "paths"),
        ["../x"],
    ),
    differs(
        "a label of ours, or with spaces around it",
        "is no label of GitHub|Gatekeeper sets the label|is no environment of GitHub",
        ("spec", "gate"),
        {"exempt": {"labels": ["slo:frozen"]}},
    ),
    differs(
        "somebody else's team or repository",
        "is not in acme",
        ("spec", "changes", 0, "repository"),
        "other/shop",
    ),
    differs(
        "rules of a gate that contradict each other",
        "never happens|would follow each other|would wait until|would exempt whoever",
        ("spec", "gate"),
        {"caution": {"below": "0%"}},
    ),
    differs(
        "a burn that can never be fast",
        "a burn can never be fast here",
        ("spec", "gate"),
        {"freeze": {"burn": "fast"}},
    ),
    differs(
        "dates in the wrong order, or that overlap",
        "this ends before it begins|this overlaps with",
        ("spec", "adjustments"),
        [AT_NIGHT, AT_NIGHT],
    ),
    differs(
        "an exception of no objective, or that changes nothing",
        "there is no objective|does not say which|without an exception",
        ("spec", "exceptions"),
        [{**SEASON, "target": "99.9%"}],
    ),
    differs(
        "a name twice",
        "are named|are one environment",
        ("spec", "environments"),
        {"prod": "free", "Prod": "enforce"},
    ),
    differs(
        "regions without their label, or more than instances",
        'cannot be in .* regions|"region" is missing',
        ("spec", "redundancy"),
        {"instances": 2, "regions": 3, "query": "up"},
    ),
    differs(
        "a whole number with a point",
        "is no whole number|is not a number of lines",
        ("spec", "redundancy"),
        {"instances": 3.0, "query": "up"},
    ),
    pytest.param(
        "is looser than the organisation's floor|the organisation's floor is",
        {
            "apiVersion": "gatekeeper/v1",
            "kind": "Defaults",
            "spec": {"gate": {"mode": "observe"}, "floors": {"mode": "advise"}},
        },
        id="what is below a floor",
    ),
]
"""Where the schema accepts what the loader refuses: what is said then, and an example."""
LAXER = re.compile("|".join(f"(?:{one.values[0]})" for one in DIFFERENCES))


@pytest.mark.parametrize(("said", "instance"), DIFFERENCES)
def test_where_the_schema_is_laxer(said: str, instance: Any) -> None:
    if "fast" in said:
        instance = with_value(instance, ("spec", "objectives", 0, "target"), "50%")
    assert accepted(instance)
    assert [bool(re.search(said, error)) for error in errors(written(instance))] == [True]


MADE = FromSchema(DEFINITIONS)


@pytest.mark.parametrize("name", TOP)
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(data=st.data())
def test_what_the_schema_accepts_the_loader_refuses_only_where_it_is_listed(
    name: str, data: st.DataObject
) -> None:
    instance = data.draw(MADE.named(name)) | {"kind": TOP[name]}
    assert accepted(instance)
    found = errors(written(instance))
    event("refused by the loader" if found else "accepted by both")
    assert [error for error in found if not LAXER.search(error)] == []


RIGHT = [one for path in EXAMPLES for one in instances(path.read_text())]
RIGHT += [one for text in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL) for one in instances(text)]


KEYS = sorted(
    {str(path[-1]) for one in RIGHT for path in places(one) if isinstance(path[-1], str)} | {"extra"}
)
OTHERS = [part for one in RIGHT for part in _parts(one)]
BROAD = max(RIGHT, key=lambda one: len(list(places(one))))
"""The example with the most keys."""
PLACES = set(places(BROAD))
LEAVES = sorted(PLACES - {path[:-1] for path in PLACES}, key=str)


def test_what_the_loader_accepts_the_schema_accepts_each_value_in_each_place() -> None:
    seen = {True: 0, False: 0}
    for path, value in product(LEAVES, JUNK):
        instance = with_value(BROAD, path, value)
        good = not errors(written(instance))
        assert accepted(instance) or not good, (path, value)
        seen[good] += 1
    assert seen[True] > 200
    assert seen[False] > 1_000


@settings(max_examples=300)
@given(data=st.data())
def test_what_the_loader_accepts_the_schema_accepts_with_several_mistakes(data: st.DataObject) -> None:
    instance = data.draw(st.sampled_from(RIGHT))
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(list(places(instance)) or [("spec",)]))
        change = data.draw(st.sampled_from(["put", "remove", "add"]))
        value = data.draw(st.sampled_from(JUNK) | st.sampled_from(OTHERS))
        if change == "put":
            instance = with_value(instance, path, value)
        elif change == "remove":
            instance = without(instance, path)
        elif isinstance(path[-1], str):
            instance = with_value(instance, (*path[:-1], data.draw(st.sampled_from(KEYS))), value)
    good = not errors(written(instance))
    event("accepted" if good else "refused")
    assert accepted(instance) or not good
