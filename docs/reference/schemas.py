"""`schemas/`: a JSON Schema for every answer that `--json` prints."""

from __future__ import annotations

import dataclasses
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from reference.docstrings import field_docs
from reference.results import result_of
from unipipe_tui.actions.catalog import CATALOG

Schema = dict[str, Any]
DIALECT = "https://json-schema.org/draft/2020-12/schema"

PLAN: Schema = {
    "$schema": DIALECT,
    "title": "--dry-run --json",
    "description": "The plan of a change: its id, the command line that asks for it, and its lines as they are shown.",
    "type": "object",
    "properties": {
        "plan": {"type": "string", "pattern": "^[0-9a-f]{12}$", "description": "To be given to --plan."},
        "command": {"type": "array", "items": {"type": "string"}, "minItems": 2},
        "confirm": {"type": ["string", "null"], "description": "The name to be given to --confirm, if it wants one."},
        "lines": {"type": "array", "items": {"type": "string"}, "minItems": 3},
    },
    "required": ["plan", "command", "confirm", "lines"],
    "additionalProperties": False,
}


def all_schemas() -> dict[str, Schema]:
    """By `noun-verb`: the schema of its answer; and `plan`, of what `--dry-run --json` prints."""
    answers = {
        action.name.replace(" ", "-"): _schema(f"unipipe {action.name} --json", result_of(action)) for action in CATALOG
    }
    return {**answers, "plan": PLAN}


def _schema(title: str, result: type[Any]) -> Schema:
    schema = TypeAdapter(result).json_schema(schema_generator=_AsPrinted, mode="serialization")
    return {"$schema": DIALECT, **schema, "title": title}


class _AsPrinted(GenerateJsonSchema):
    """Dataclasses as `to_plain` prints them: all fields and no others, NaN as null."""

    def dataclass_schema(self, schema: core_schema.DataclassSchema) -> JsonSchemaValue:
        """An object with every field, each with its docstring."""
        json_schema = super().dataclass_schema(schema)
        docs = field_docs(schema["cls"])
        properties = {
            field.name: _told(json_schema["properties"][field.name], docs.get(field.name))
            for field in dataclasses.fields(schema["cls"])
        }
        json_schema.update(properties=properties, required=list(properties), additionalProperties=False)
        return json_schema

    def float_schema(self, schema: core_schema.FloatSchema) -> JsonSchemaValue:
        """JSON has no NaN: it is printed as null."""
        return {"anyOf": [super().float_schema(schema), {"type": "null"}]}

    def field_title_should_be_set(self, schema: Any) -> bool:
        """Titles would only repeat the names."""
        return False


def _told(property_schema: JsonSchemaValue, description: str | None) -> JsonSchemaValue:
    return {**property_schema, **({"description": description} if description else {})}
