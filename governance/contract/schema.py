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
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:plumbline:contract:1",
        **schema,
        "title": "Plumbline contract, version 1",
    }
