"""YAML read into plain nodes that know their places, within limits that hostile files cannot exceed.

YAML 1.2 decides what a bare word is: ``true`` and ``false`` are booleans; ``yes``, ``no``, ``on``, ``off``
and dates are words. Tags are refused, since nothing but text, numbers, booleans and null has a meaning here.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
)

from gatekeeper.policy.encoding import damage, place
from gatekeeper.policy.problem import Mark, Problem
from gatekeeper.policy.syntax import explain

_DEEPEST = 20
_MOST_NODES = 10_000
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_CURLY = re.compile("[“„”‘‚’«»].*[“”‘’«»]", re.DOTALL)
_WORDS: dict[str, bool | None] = {"": None, "~": None, "null": None, "true": True, "false": False}
_INTEGER = re.compile(r"[-+]?[0-9]{1,18}", re.ASCII)
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]{1,18}|[0-9]{1,18}(?:\.[0-9]{0,18})?)(?:[eE][-+]?[0-9]{1,3})?", re.ASCII)


@dataclass(frozen=True)
class Scalar:
    """A single value."""

    mark: Mark
    value: str | int | float | bool | None


@dataclass(frozen=True)
class Items:
    """A list."""

    mark: Mark
    nodes: "tuple[Node, ...]" = ()


@dataclass(frozen=True)
class Map:
    """A block of keys.

    Attributes:
        mark: where it starts.
        nodes: the value of each key.
        keys: the place of each key.
    """

    mark: Mark
    nodes: "dict[str, Node]" = field(default_factory=dict)
    keys: dict[str, Mark] = field(default_factory=dict)


Node = Scalar | Items | Map


@dataclass(frozen=True)
class Document:
    """One YAML document of a file: its root, and what was wrong with its YAML."""

    root: Node
    problems: tuple[Problem, ...] = ()


def read(path: str, text: str) -> Iterator[Document | Problem]:
    """Read the documents of a file; a problem ends the file, since nothing after it can be trusted.

    Empty documents are left out.
    """
    if unreadable := damage(path, text):
        yield unreadable
        return
    end = place(path, text, len(text))
    try:
        yield from _Composer(end, yaml.parse(text, Loader=_LOADER)).documents()
    except _RefusedError as error:
        yield error.problem
    except yaml.MarkedYAMLError as error:
        yield explain(end, text, error)


def plain(node: Node) -> Any:
    """The node as dicts, lists and scalars."""
    if isinstance(node, Map):
        return {key: plain(child) for key, child in node.nodes.items()}
    if isinstance(node, Items):
        return [plain(child) for child in node.nodes]
    return node.value


def merge(under: Node, over: Node) -> Node:
    """Two nodes as one: blocks of keys are joined key by key, of anything else ``over`` stands alone."""
    if not (isinstance(under, Map) and isinstance(over, Map)):
        return over
    nodes = {**under.nodes, **over.nodes}
    for key in under.nodes.keys() & over.nodes.keys():
        nodes[key] = merge(under.nodes[key], over.nodes[key])
    return replace(over, nodes=nodes, keys={**under.keys, **over.keys})


class _RefusedError(Exception):
    """The YAML is well-formed, and more than is read here."""

    def __init__(self, mark: Mark, message: str, suggestion: str = "") -> None:
        super().__init__(message)
        self.problem = Problem.at(mark, message, suggestion)


class _Composer:
    """Builds the nodes of a file from its YAML events.

    Args:
        end: the end of the file; libyaml sees a line behind it where the last one is not ended.
        events: what is in it.
    """

    def __init__(self, end: Mark, events: Iterator[Event]) -> None:
        self._end = end
        self._events = events
        self._count = 0
        self._anchors: dict[str, tuple[Node, int]] = {}
        self._problems: list[Problem] = []

    def documents(self) -> Iterator[Document]:
        for event in self._events:
            if isinstance(event, DocumentStartEvent):
                self._anchors, self._problems = {}, []
                root = self._node(next(self._events), 0)
                if not (isinstance(root, Scalar) and root.value is None):
                    yield Document(root, tuple(self._problems))

    def _node(self, event: Any, depth: int) -> Node:
        mark = self._mark(event)
        if isinstance(event, AliasEvent):
            return self._aliased(event, mark)
        before = self._count
        self._account(1, mark)
        if depth > _DEEPEST:
            raise _RefusedError(mark, f"this is nested deeper than {_DEEPEST} levels", "write it flatter")
        if event.tag is not None:
            tag = str(event.tag).replace("tag:yaml.org,2002:", "!!")
            self._report(mark, f"the tag {tag} is not read here", "remove it")
        node = self._content(event, mark, depth)
        if event.anchor is not None:
            self._anchors[event.anchor] = node, self._count - before
        return node

    def _content(self, event: Any, mark: Mark, depth: int) -> Node:
        if isinstance(event, ScalarEvent):
            if event.implicit[0] and _CURLY.fullmatch(event.value):
                self._report(
                    mark, "typographic quotes are part of a value", f'write "{event.value[1:-1][:60]}"'
                )
            return Scalar(mark, _scalar(event))
        if isinstance(event, MappingStartEvent):
            return self._map(mark, depth)
        nodes = []
        while not isinstance(event := next(self._events), SequenceEndEvent):
            nodes.append(self._node(event, depth + 1))
        return Items(mark, tuple(nodes))

    def _map(self, mark: Mark, depth: int) -> Map:
        found = Map(mark)
        while not isinstance(event := next(self._events), MappingEndEvent):
            place, key = self._mark(event), self._key(event)
            if depth == 0 and key == "apiVersion" and key in found.nodes:
                raise _RefusedError(place, "a second document begins here", "put --- in the line above it")
            node = self._node(next(self._events), depth + 1)
            if key in found.nodes:
                line = found.keys[key].line
                self._report(
                    place, f'the key "{key}" is here twice (first in line {line})', "remove one of them"
                )
                continue
            found.nodes[key] = node
            found.keys[key] = place
        return found

    def _key(self, event: Event) -> str:
        mark = self._mark(event)
        if not isinstance(event, ScalarEvent):
            raise _RefusedError(
                mark, "a key must be a word", "write key: value; templates ({{ name }}) are not read here"
            )
        if event.value == "<<":
            raise _RefusedError(mark, 'the merge key "<<" is not read here', "write the keys out")
        self._account(1, mark)
        return str(event.value)

    def _aliased(self, event: AliasEvent, mark: Mark) -> Node:
        if event.anchor not in self._anchors:
            raise _RefusedError(
                mark, f"*{event.anchor} refers to nothing", f"define &{event.anchor} before it"
            )
        node, size = self._anchors[event.anchor]
        self._account(size, mark)
        return node

    def _account(self, nodes: int, mark: Mark) -> None:
        self._count += nodes
        if self._count > _MOST_NODES:
            raise _RefusedError(mark, f"the file holds more than {_MOST_NODES} values", "split it by service")

    def _report(self, mark: Mark, message: str, suggestion: str) -> None:
        self._problems.append(Problem.at(mark, message, suggestion))

    def _mark(self, event: Any) -> Mark:
        return min(Mark(self._end.path, event.start_mark.line + 1, event.start_mark.column + 1), self._end)


def _scalar(event: ScalarEvent) -> str | int | float | bool | None:
    """The value of a scalar; one in quotes is always text."""
    text = str(event.value)
    if not event.implicit[0]:
        return text
    if text.lower() in _WORDS and text in {text.lower(), text.upper(), text.title()}:
        return _WORDS[text.lower()]
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text
