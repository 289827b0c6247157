"""Documents made from a JSON Schema, as far as ours goes; and documents that are slightly wrong."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hypothesis.strategies import SearchStrategy

_ALPHABET = st.characters(
    codec="utf-8", exclude_categories=["Cs", "Cc", "Zl", "Zp"], exclude_characters="\ufffd\ufffe\uffff"
)
_WORDS = st.text(_ALPHABET, min_size=1, max_size=12)


class FromSchema:
    """Strategies for what a schema accepts. What a key's examples show comes as often as all else.

    hypothesis-jsonschema would do it for any schema, but knows no later dialect than draft 7 and stands on what
    jsonschema has deprecated.
    """

    def __init__(self, definitions: Mapping[str, dict[str, Any]]) -> None:
        self._definitions = definitions
        self._made: dict[str, SearchStrategy[Any]] = {}

    def named(self, name: str) -> SearchStrategy[Any]:
        """Of a definition."""
        if name not in self._made:
            self._made[name] = st.deferred(lambda: self._of(self._definitions[name]))
        return self._made[name]

    def _of(self, shape: dict[str, Any]) -> SearchStrategy[Any]:
        shown = shape.get("examples", [])
        made = self._made_of(shape)
        return st.sampled_from(shown) | made if shown else made

    def _made_of(self, shape: dict[str, Any]) -> SearchStrategy[Any]:
        if "$ref" in shape:
            return self.named(shape["$ref"].rpartition("/")[2])
        if "anyOf" in shape:
            return st.one_of([self._of(one) for one in shape["anyOf"]])
        if "const" in shape or "enum" in shape:
            return st.sampled_from(shape.get("enum") or [shape["const"]])
        kinds = {
            "object": self._object,
            "array": self._array,
            "integer": lambda one: st.integers(one["minimum"], 10**6),
            "boolean": lambda _: st.booleans(),
            "string": self._text,
        }
        return kinds[shape["type"]](shape)

    def _array(self, shape: dict[str, Any]) -> SearchStrategy[Any]:
        return st.lists(self._of(shape["items"]), min_size=shape.get("minItems", 0), max_size=3)

    def _object(self, shape: dict[str, Any]) -> SearchStrategy[Any]:
        if isinstance(values := shape["additionalProperties"], dict):
            names = self._of(shape["propertyNames"]) if "propertyNames" in shape else _WORDS
            return st.dictionaries(names, self._of(values), max_size=3)
        required = set(shape.get("required", []))
        parts = {key: self._of(one) for key, one in shape["properties"].items()}
        return st.fixed_dictionaries(
            {key: part for key, part in parts.items() if key in required},
            optional={key: part for key, part in parts.items() if key not in required},
        )

    def _text(self, shape: dict[str, Any]) -> SearchStrategy[str]:
        if "pattern" not in shape:
            return _WORDS
        most = shape.get("maxLength", 10**6)
        return st.from_regex(shape["pattern"], alphabet=_ALPHABET).filter(lambda text: len(text) <= most)


JUNK: tuple[Any, ...] = (
    *(None, True, False, 0, -0.0, 1, 3, -1, 0.5, 99.9, 10**12),
    *(
        "",
        " ",
        "a",
        "A b",
        "off",
        "yes",
        "0",
        "0%",
        "5%",
        " 5 % ",
        "99.9%",
        "100%",
        "101%",
        "-1%",
        "1.5",
        "%",
    ),
    *("0s", "5m", "1h", "28d", "2w", "1d 12h", "12h1d", "4000d", "1y", "2/day", "0/day", "2 / d", "1/h"),
    *("2026-11-02", "2026-02-30", "2026-11-02T00:00:00Z", "2026-11-02T00:00:00", "2026-11-02 00:00+01:00"),
    *("enforce", "advise", "observe", "free", "fast", "month", "UTC", "occurrences", "native", "up", "300ms"),
    *("acme/shop", "@acme/sre", "@alice", "slo:override", "slo:frozen", "docs/**", "!docs", "../x", "main"),
    *(
        "refs/heads/main",
        "https://acme.example/1",
        "ftp://acme.example",
        "x_total",
        "up[5m]",
        "sum(",
        "x" * 300,
    ),
    *([], [[]], [0], ["a"], ["docs/**"], ["@acme/sre"], {}, {"a": 1}, {"a": "free"}, {"a": None}),
    *({"calendar": "month"}, {"timeslices": {"target": "99%"}}, {"below": "5%"}, {"from": "2026-11-02"}),
)
"""Values that are right somewhere and wrong elsewhere."""


def places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Where something stands in a document, itself left out."""
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, child in steps:
        yield (*path, step)
        yield from places(child, (*path, step))


def with_value(document: Any, path: tuple[str | int, ...], value: Any) -> Any:
    """A copy with another value at a place."""
    changed = copy.deepcopy(document)
    block = changed
    for step in path[:-1]:
        block = block[step]
    block[path[-1]] = copy.deepcopy(value)
    return changed


def without(document: Any, path: tuple[str | int, ...]) -> Any:
    """A copy without what stands at a place."""
    changed = copy.deepcopy(document)
    block = changed
    for step in path[:-1]:
        block = block[step]
    del block[path[-1]]
    return changed
