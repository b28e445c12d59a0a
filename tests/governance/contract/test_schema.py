"""The JSON Schema describes the language that is read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from governance.contract.document import Contract
from governance.contract.schema import contract_schema
from governance.contract.shapes import Record, fields_of, places_of, shape_of
from tests.governance.contract.documents import FULL


def _objects(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        yield schema
    for item in schema.values() if isinstance(schema, dict) else schema:
        if isinstance(item, dict | list):
            yield from _objects(item)


def test_it_is_a_schema_of_its_own() -> None:
    schema = contract_schema()
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"] == "urn:plumbline:contract:1"
    assert json.loads(json.dumps(schema)) == schema


def test_every_part_forbids_unknown_keys_and_describes_itself() -> None:
    schema = contract_schema()
    for name, part in schema["$defs"].items():
        assert part["description"], name
        if part["type"] == "object":
            assert part["additionalProperties"] is False, name


def test_every_reference_leads_somewhere() -> None:
    schema = contract_schema()
    references = {each["$ref"] for each in _objects(schema) if isinstance(each.get("$ref"), str)}
    assert references
    assert references == {f"#/$defs/{name}" for name in schema["$defs"]}


def test_keys_are_as_documents_write_them() -> None:
    charge = contract_schema()["$defs"]["FixedCharge"]
    assert "from" in charge["properties"]
    assert charge["properties"]["from"]["description"].startswith("First day of the charge")
    assert {"id", "type", "amount"} == set(charge["required"])


def test_numbers_keep_their_range() -> None:
    percent = contract_schema()["$defs"]["AtRiskPool"]["properties"]["at_risk_percent"]
    assert percent["anyOf"][0] == {"type": "number", "minimum": 0, "maximum": 100}


def test_a_key_knows_the_parts_it_belongs_to() -> None:
    assert places_of("age_bands") == ("charges of the type contingency",)
    assert places_of("currency") == ("engagement",)
    assert places_of("nowhere") == ()


def test_shapes_name_every_key_of_the_full_example() -> None:
    shape = shape_of(Contract)
    assert isinstance(shape, Record)
    top = [line.split(":")[0] for line in FULL.splitlines() if line[:1].isalpha()]
    assert set(top) == set(fields_of(shape.model))
