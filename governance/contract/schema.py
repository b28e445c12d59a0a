"""The contract language as JSON Schema, for editors that complete and check while one types."""

from __future__ import annotations

from typing import Any

from governance.contract.document import Contract


def contract_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of contract documents, with descriptions.

    It covers the keys, their types and their ranges; the rules between keys are checked by
    `read_contract` alone.
    """
    schema = Contract.model_json_schema(by_alias=True, mode="validation")
    for part in (schema, *schema.get("$defs", {}).values()):
        _allow_empty_sections(part)
    parameters = schema["$defs"]["ServiceLevel"]["properties"]["parameters"]["anyOf"][0]
    parameters["additionalProperties"] = {"type": ["boolean", "string", "number", "object"]}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:plumbline:contract:1",
        **schema,
        "title": "Plumbline contract, version 1",
    }


def _allow_empty_sections(part: dict[str, Any]) -> None:
    """A section that may be absent may also be a key with nothing after it."""
    for key, value in part.get("properties", {}).items():
        optional = key not in part.get("required", ())
        section = "$ref" in value or value.get("type") in {"array", "object"}
        if optional and section:
            part["properties"][key] = {"anyOf": [value, {"type": "null"}]}
