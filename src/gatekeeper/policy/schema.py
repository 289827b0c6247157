"""The policy language as JSON Schema, from which editors complete and check.

``python -m gatekeeper.policy.schema <docs/policy-reference.md >src/gatekeeper/policy/schema.json`` writes the file that
is shipped: shapes and defaults from the models, descriptions and examples from the reference page.

It accepts whatever the loader accepts. What it cannot know (keys that contradict each other, what PromQL means, the
organisation) only the loader refuses.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any, get_origin

from pydantic import TypeAdapter
from pydantic.fields import FieldInfo
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue, models_json_schema
from pydantic_core import core_schema

from gatekeeper.policy.document import Document, plain, read
from gatekeeper.policy.keys import fields, keyed
from gatekeeper.policy.native import DefaultsFile, ServiceFile
from gatekeeper.policy.reference import Row, rows
from gatekeeper.policy.values import Model, OrOff

DIALECT = "https://json-schema.org/draft/2020-12/schema"
DEFAULTS = "kind: Defaults."
"""Starts the paths of keys that only a document of that kind has."""


class _Shapes(GenerateJsonSchema):
    """Shapes without what pydantic adds for programs: titles, and null, which no file may say."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def dict_schema(self, schema: core_schema.DictSchema) -> JsonSchemaValue:
        names, values = (self.generate_inner(schema[part]) for part in ("keys_schema", "values_schema"))
        return {"type": "object", "propertyNames": names, "additionalProperties": values}

    def field_title_should_be_set(self, schema: Any) -> bool:
        del schema
        return False


def json_schema(page: str) -> dict[str, Any]:
    """The schema of both kinds of documents.

    Args:
        page: the text of the reference page.
    """
    said = {row.path: row for row in rows(page)}
    _, shapes = models_json_schema(
        [(ServiceFile, "validation"), (DefaultsFile, "validation")], schema_generator=_Shapes
    )
    definitions = shapes["$defs"]
    for file, prefix in ((DefaultsFile, DEFAULTS), (ServiceFile, "")):
        for path, model in blocks(file):
            _complete(definitions[model.__name__], model, path, said, prefix)
    return {
        "$schema": DIALECT,
        "title": "Gatekeeper policy",
        "description": "What a service promises its users, and what happens to changes when the promise is at risk.",
        "if": {"properties": {"kind": {"const": "Defaults"}}, "required": ["kind"]},
        "then": {"$ref": "#/$defs/DefaultsFile"},
        "else": {"$ref": "#/$defs/ServiceFile"},
        "$defs": {name: _lean(definitions[name]) for name in sorted(definitions)},
    }


def blocks(model: type[Model], path: str = "") -> Iterator[tuple[str, type[Model]]]:
    """A model and those of all blocks below it, with their paths; lists are marked with ``[]``."""
    yield path, model
    for key, inner in fields(model):
        if inner is not None:
            many = "[]" if get_origin(keyed(model)[key].annotation) is tuple else ""
            yield from blocks(inner, f"{path}{'.' if path else ''}{key}{many}")


def _complete(
    shape: dict[str, Any], model: type[Model], path: str, said: Mapping[str, Row], prefix: str
) -> None:
    """Add to a block's keys what only models and page know."""
    for key, field in keyed(model).items():
        own = shape["properties"][key]
        own.pop("examples", None)
        own.pop("default", None)
        place = f"{path}{'.' if path else ''}{key}"
        if row := said.get(prefix + place) or said.get(place):
            own["description"] = row.what
            own["examples"] = [_value(row.example)] if row.example else field.examples
        if (default := _default(field)) is not None:
            own["default"] = default
        if key in model.filled or "minLength" in own:
            own["minItems"] = 1
            own.pop("minLength", None)


def _default(field: FieldInfo) -> Any:
    """What counts when a file does not say the key, as it could say it; None where there is nothing to say."""
    if field.is_required() or isinstance(field.default, Model):
        return None
    if field.default is None:
        return "off" if OrOff in field.metadata else None
    return TypeAdapter(field.rebuild_annotation()).dump_python(field.default, mode="json")


def _value(example: str) -> Any:
    (document,) = (one for one in read("", f"value: {example}") if isinstance(one, Document))
    return plain(document.root)["value"]


def _lean(definition: dict[str, Any]) -> dict[str, Any]:
    """A definition without its title, and of its description only what an editor has room for."""
    first = definition.get("description", "").partition("\n\n")[0].replace("``", "")
    return {
        **{key: value for key, value in definition.items() if key != "title"},
        "description": first,
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(json_schema(sys.stdin.read()), indent=2, ensure_ascii=False) + "\n")
