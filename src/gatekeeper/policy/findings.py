"""Pydantic's findings as problems: in plain words, at the place in the file, with a next step."""

import json
import re
from collections.abc import Container, Iterator
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from gatekeeper.policy.document import Items, Map, Node, Scalar, plain
from gatekeeper.policy.keys import fields, keyed
from gatekeeper.policy.mistake import MissingKeyError, MistakeError, MistakesError
from gatekeeper.policy.problem import Mark, Problem
from gatekeeper.policy.rules import nearest
from gatekeeper.policy.values import Model

Location = tuple[str | int, ...]


def findings(
    error: ValidationError, *, model: type[Model], node: Node, excused: Container[tuple[Mark, str]]
) -> Iterator[Problem]:
    """The problems of a document that does not fit its model.

    Args:
        error: what pydantic found.
        model: the model the document was held against.
        node: the document, defaults merged into it.
        excused: (block, key) pairs that have been reported already and are missing for that reason.
    """
    for detail in error.errors(include_url=False):
        location = detail["loc"]
        block, place = locate(node, location[:-1])
        if detail["type"] == "missing":
            if (block.mark, location[-1]) not in excused:
                yield Problem.at(place, *_missing(str(location[-1]), model, location))
            continue
        if detail["type"] == "too_short" and not _is_empty(node, location):
            continue  # pydantic counts the entries that are right; the wrong ones are reported themselves
        for mistake in _mistakes(detail, node, model):
            if isinstance(mistake, MissingKeyError):
                found, place = locate(node, location)
                if (found.mark, mistake.key) not in excused:
                    yield Problem.at(place, mistake.message, mistake.suggestion)
                continue
            yield Problem.at(_place(node, location, mistake), mistake.message, mistake.suggestion)


def locate(node: Node, location: Location) -> tuple[Node, Mark]:
    """The deepest node on the way to a location, and the place of its key (of itself, in a list)."""
    place = node.mark
    for part in location:
        if isinstance(node, Map) and part in node.nodes:
            place, node = node.keys[str(part)], node.nodes[str(part)]
        elif isinstance(node, Items) and isinstance(part, int) and part < len(node.nodes):
            node = node.nodes[part]
            place = node.mark
        else:
            break
    return node, place


def _place(node: Node, location: Location, mistake: MistakeError) -> Mark:
    """Where the mistake is: of two contradicting values one that is written, in this file rather than elsewhere."""
    marks = [
        found.mark
        for at in (mistake.at, mistake.against)
        if at and (found := written(node, location + at)) is not None
    ]
    here = [mark for mark in marks if mark.path == node.mark.path]
    return next(iter(here + marks), locate(node, location + mistake.at)[0].mark)


def written(node: Node, location: Location) -> Node | None:
    """What stands at a location, unless nothing does."""
    block, _ = locate(node, location[:-1])
    found, _ = locate(node, location)
    return None if found is block else found


def _mistakes(detail: ErrorDetails, node: Node, model: type[Model]) -> tuple[MistakeError, ...]:
    raised = detail.get("ctx", {}).get("error")
    if isinstance(raised, MistakesError):
        return raised.mistakes
    if isinstance(raised, MistakeError):
        return (raised,)
    return (_translated(detail, locate(node, detail["loc"])[0], model),)


def _translated(detail: ErrorDetails, node: Node, model: type[Model]) -> MistakeError:
    """Pydantic's own finding about a value, in plain words."""
    label, kind = _label(detail["loc"]), detail["type"]
    if kind in {"literal_error", "enum"}:
        return _choice(label, plain(node), re.findall(r"'([^']*)'", str(detail["ctx"]["expected"])))
    if kind == "too_short":
        return MistakeError(f"{label} is empty", "list at least one")
    if kind == "string_type":
        return MistakeError(f"{label} must be text", _as_text(node))
    if kind == "tuple_type":
        return MistakeError(f"{label} must be a list", _as_list(node))
    if kind in {"model_type", "model_attributes_type"}:
        keys = ", ".join(keyed(_model_at(model, detail["loc"]) or model))
        advice = "write its keys without a -:" if isinstance(node, Items) else "its keys are"
        return MistakeError(f"{label} must be a block of keys", f"{advice} {keys}")
    if kind == "dict_type":
        return MistakeError(f"{label} must be a block of keys", f"write {_example(model, detail['loc'])}")
    return MistakeError(f"{label}: {detail['msg']}", "see docs/policy-reference.md")


def _choice(label: str, value: Any, choices: list[str]) -> MistakeError:
    near = nearest(str(value), choices)
    wanted = " or ".join(choices)
    return MistakeError(
        f"{label} cannot be {json.dumps(value, default=str)[:60]}",
        f'did you mean "{near}"?' if near else f"write {wanted}",
    )


def _missing(key: str, model: type[Model], location: Location) -> tuple[str, str]:
    return f'"{key}" is missing', f"add {_example(model, location)}"


def _example(model: type[Model], location: Location) -> str:
    """A key as it could be written."""
    owner, key = _model_at(model, location[:-1]) or model, str(location[-1])
    examples = keyed(owner)[key].examples or ["..."]
    return f"{key}: {examples[0]}"


def _model_at(model: type[Model], location: Location) -> type[Model] | None:
    """The model of the block at a location."""
    found: type[Model] | None = model
    for part in location:
        if isinstance(part, str) and found is not None:
            found = dict(fields(found)).get(part)
    return found


def _is_empty(node: Node, location: Location) -> bool:
    found, _ = locate(node, location)
    return isinstance(found, Items) and not found.nodes


def _label(location: Location) -> str:
    names = [part for part in location if isinstance(part, str)]
    name = f'"{names[-1]}"' if names else "the file"
    return f"each entry of {name}" if names and isinstance(location[-1], int) else name


def _as_text(node: Node) -> str:
    if isinstance(node, Scalar):
        return f'put it in quotes: "{json.dumps(node.value)[:60]}"'
    return "write one value; in quotes, if it starts with { or ["


def _as_list(node: Node) -> str:
    return f"write [{json.dumps(node.value)[:60]}]" if isinstance(node, Scalar) else "put - before each entry"
