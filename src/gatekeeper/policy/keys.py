"""Keys held against the model: unknown ones, ones without a value, ones that nothing acts on yet."""

from collections.abc import Iterator
from dataclasses import replace
from typing import get_args

from pydantic.fields import FieldInfo

from gatekeeper.policy.document import Items, Map, Node, Scalar
from gatekeeper.policy.problem import Mark, Problem, Severity
from gatekeeper.policy.rules import nearest
from gatekeeper.policy.values import Model

LATER = "docs/policy-reference.md#what-comes-later"


_ELSEWHERE = {
    "objective": "target",
    "goal": "target",
    "slo": "target",
    "sli": "indicator",
    "period": "window",
    "timewindow": "window",
    "errorquery": "bad",
    "badquery": "bad",
    "goodquery": "good",
    "totalquery": "total",
}
"""What other tools call our keys, without capitals and signs."""


def fields(model: type[Model]) -> Iterator[tuple[str, type[Model] | None]]:
    """Each key of a model, with the model of its value or of the values in its list."""
    for key, field in keyed(model).items():
        yield key, _model_in(field.annotation)


def keyed(model: type[Model]) -> dict[str, FieldInfo]:
    """The fields of a model by their keys in a file, which are not names of Python everywhere (``for``)."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


class KeyCheck:
    """Takes out of a document what its model has no place for, and remembers why.

    Attributes:
        problems: what is wrong with the keys.
        excused: (block, key) pairs that need not be reported as missing, since a problem is about them.
    """

    def __init__(self, root: type[Model]) -> None:
        self._root = root
        self.problems: list[Problem] = []
        self.excused: set[tuple[Mark, str]] = set()

    def strip(self, node: Node) -> Node:
        """The document without the keys that have been reported."""
        return self._value(self._root, node)

    def _value(self, model: type[Model] | None, node: Node) -> Node:
        if model is None or isinstance(node, Scalar):
            return node
        if isinstance(node, Items):
            return replace(node, nodes=tuple(self._value(model, child) for child in node.nodes))
        known = dict(fields(model))
        kept = {
            key: self._value(known[key], child)
            for key, child in node.nodes.items()
            if not self._reported(model, node, key)
        }
        return replace(node, nodes=kept)

    def _reported(self, model: type[Model], block: Map, key: str) -> bool:
        place, child = block.keys[key], block.nodes[key]
        if key not in keyed(model):
            problem = self._unknown(model, block, key)
        elif _is_empty(child):
            problem = Problem.at(place, f'"{key}" has no value', "write one, or remove the key")
            self.excused.add((block.mark, key))
        elif isinstance(child, Items) and not child.nodes and key in model.filled:
            problem = Problem.at(child.mark, f'"{key}" is empty', "list at least one, or remove the key")
        else:
            self.problems += [_without_effect(place, key)] if key in model.dormant else []
            return False
        self.problems.append(problem)
        return True

    def _unknown(self, model: type[Model], block: Map, key: str) -> Problem:
        near = nearest(key, keyed(model)) or _elsewhere(key, model)
        self.excused.add((block.mark, near))
        if near:
            meant = f'did you mean "{near}"?'
        elif place := next(_places(key, self._root, ()), ()):
            meant = f"it belongs under {'.'.join(place)}"
            self.excused.add((block.mark, place[-1]))
        else:
            meant = f"known here: {', '.join(keyed(model))}"
        return Problem.at(block.keys[key], f'unknown key "{key[:80]}"', meant)


def _without_effect(place: Mark, key: str) -> Problem:
    return Problem.at(place, f'"{key}" is read, and nothing acts on it yet', f"see {LATER}", Severity.WARNING)


def _is_empty(node: Node) -> bool:
    """Whether nothing stands after a key."""
    return isinstance(node, Scalar) and node.value is None


def _elsewhere(key: str, model: type[Model]) -> str:
    """The key of a model that has this name in another tool, or nothing."""
    meant = _ELSEWHERE.get(key.lower().replace("_", "").replace("-", ""), "")
    return meant if meant in keyed(model) else ""


def _model_in(annotation: object) -> type[Model] | None:
    """The model that an annotation names: itself, in a tuple, or beside None or a word."""
    if isinstance(annotation, type) and issubclass(annotation, Model):
        return annotation
    return next((found for part in get_args(annotation) if (found := _model_in(part))), None)


def _places(key: str, model: type[Model], path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The blocks that have such a key."""
    for name, inner in fields(model):
        if name == key and path:
            yield path
        if inner is not None:
            yield from _places(key, inner, (*path, name))
