"""A block of keys of another tool's file, taken apart key by key: what nobody took is reported by name."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from gatekeeper.policy.document import Items, Map, Node, Scalar
from gatekeeper.policy.problem import Mark, Problem, Severity

_LONGEST_NAME = 63


@dataclass
class Block:
    """One block, and what has been taken from it.

    Attributes:
        problems: of the whole document; added to.
        where: the dotted path of the block, for messages.
    """

    node: Node
    problems: list[Problem]
    where: str = ""
    _taken: set[str] = field(default_factory=set)

    @property
    def mark(self) -> Mark:
        """Where it starts."""
        return self.node.mark

    def place(self, key: str) -> Mark:
        """Where a key is; the block's own place if it is not there."""
        return self.node.keys.get(key, self.mark) if isinstance(self.node, Map) else self.mark

    def take(self, key: str) -> Node | None:
        """The value of a key; None where there is none."""
        self._taken.add(key)
        found = self.node.nodes.get(key) if isinstance(self.node, Map) else None
        return None if isinstance(found, Scalar) and found.value is None else found

    def text(self, key: str) -> Scalar | None:
        """A value that is text or a number; anything else is a mistake."""
        found = self.take(key)
        if found is None or isinstance(found, Scalar):
            return found
        self.error(found.mark, f'"{self._path(key)}" must be a single value', "write one")
        return None

    def needed(self, key: str, example: str) -> Scalar | None:
        """As ``text``, and a mistake where it is missing."""
        if self.take(key) is None:
            self.error(self.mark, f'"{self._path(key)}" is missing', f"add {key}: {example}")
            return None
        return self.text(key)

    def block(self, key: str) -> "Block | None":
        """A block below this one; a mistake where it is something else."""
        found = self.take(key)
        if found is None:
            return None
        if isinstance(found, Map):
            return Block(found, self.problems, self._path(key))
        self.error(found.mark, f'"{self._path(key)}" must be a block of keys', "indent its keys below it")
        return None

    def blocks(self, key: str) -> "list[Block]":
        """The blocks of a list."""
        found = self.take(key)
        if found is None:
            return []
        nodes = found.nodes if isinstance(found, Items) else ()
        if not isinstance(found, Items):
            self.error(found.mark, f'"{self._path(key)}" must be a list', "begin each entry with -")
        return [
            Block(one, self.problems, f"{self._path(key)}[{position}]") for position, one in enumerate(nodes)
        ]

    def error(self, mark: Mark, message: str, suggestion: str) -> None:
        """Something keeps the objective from being read."""
        self.problems.append(Problem.at(mark, message, suggestion))

    def warn(self, mark: Mark, message: str, suggestion: str) -> None:
        """Something is read in another way than it was meant, or not at all."""
        self.problems.append(Problem.at(mark, message, suggestion, Severity.WARNING))

    def dropped(self, keys: Mapping[str, str]) -> None:
        """Report keys that have no place here: by key, what takes their place or what to do."""
        for key, advice in keys.items():
            if self.take(key) is not None:
                self.warn(self.place(key), f'"{self._path(key)}" is not carried over', advice)

    def ignored(self, *keys: str) -> None:
        """Keys that say nothing about the promise."""
        self._taken.update(keys)

    def done(self) -> None:
        """Report the keys that nobody took."""
        if not isinstance(self.node, Map):
            self.error(
                self.mark, f'"{self.where or "the document"}" must be a block of keys', "write its keys"
            )
            return
        for key in self.node.nodes:
            if key not in self._taken:
                self.warn(
                    self.node.keys[key],
                    f'"{self._path(key)[:120]}" is not carried over: it is not known here',
                    "remove it, or correct its name",
                )

    def _path(self, key: str) -> str:
        return f"{self.where}.{key}" if self.where else key


def made(mark: Mark, values: Iterable[tuple[str, Node | None]]) -> Map:
    """A block of ours, each key where its value was found."""
    there = [(key, node) for key, node in values if node is not None]
    return Map(mark, dict(there), {key: node.mark for key, node in there})


def scalar(mark: Mark, value: str | float | bool | None) -> Scalar:  # noqa: FBT001 (a value of a file)
    """A value of ours at a place of theirs."""
    return Scalar(mark, value)


def name_of(text: object) -> str:
    """A text as a name of ours: lower-case letters, digits and inner hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", str(text).lower()).strip("-")[:_LONGEST_NAME].strip("-")


def named(found: Scalar | None) -> Scalar | None:
    """A name at its place, as ours are written."""
    return None if found is None else Scalar(found.mark, name_of(found.value) or found.value)


def number(found: Scalar | None) -> float | None:
    """A number, in quotes or not; None where it is none."""
    if found is None or isinstance(found.value, bool):
        return None
    try:
        return float(found.value or "")
    except ValueError:
        return None


def split(text: Scalar) -> Iterator[Scalar]:
    """The parts of a text with commas."""
    parts = (one.strip() for one in str(text.value).split(","))
    return (Scalar(text.mark, one) for one in parts if one)
