"""SQL files with a front matter, the form that KPIs and meters share.

A file holds, in this order: the front matter as YAML between `/* ---` and `--- */`; common
table expressions after `WITH`; after the line `-- figure` the query that yields the figure;
after the line `-- drill-down` the query that lists the ledger rows behind it, in a stable order.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, TypeVar

import duckdb
import yaml
from pydantic import BaseModel, ValidationError

from governance.errors import BadInput, Problem

_FILE = re.compile(
    r"/\* ---\n(?P<front_matter>.*?)\n--- \*/\n"
    r"(?P<words>WITH\n.*?)\n-- figure\n(?P<figure>.*?)\n-- drill-down\n(?P<drill_down>.*?)\s*",
    re.DOTALL,
)
Front = TypeVar("Front", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class SqlFile:
    """The parts of one file."""

    file: str
    front_matter: str
    figure: str
    """The query that yields the figure, complete."""
    drill_down: str
    """The query that lists the rows behind it, complete."""
    text: str
    sha256: str
    """Digest of the text."""


def split_file(file: str, text: str) -> SqlFile:
    """Take a file apart; BadInput naming the file where a section is missing or out of order."""
    parts = _FILE.fullmatch(text)
    if parts is None:
        allowed = "a front matter, WITH, -- figure and -- drill-down, in this order"
        raise malformed(file, "a section of the file is missing", allowed)
    return SqlFile(
        file=file,
        front_matter=parts["front_matter"],
        figure=f"{parts['words']}\n{parts['figure']}",
        drill_down=f"{parts['words']}\n{parts['drill_down']}",
        text=text,
        sha256=hashlib.sha256(text.encode()).hexdigest(),
    )


def read_front_matter(parts: SqlFile, model: type[Front]) -> Front:
    """The front matter as `model`; BadInput with every fault in it."""
    try:
        content: Any = yaml.safe_load(parts.front_matter)
        return model.model_validate(content)
    except yaml.YAMLError as error:
        raise malformed(parts.file, f"the front matter is not YAML: {error}") from None
    except ValidationError as error:
        raise BadInput(
            Problem(
                f"front matter: {detail['msg']}",
                file=parts.file,
                column=".".join(str(step) for step in detail["loc"]),
            )
            for detail in error.errors()
        ) from None


def check_queries(parts: SqlFile, parameters: Collection[str]) -> None:
    """Raise BadInput unless both sections are one SELECT that names only these parameters."""
    for query in (parts.figure, parts.drill_down):
        _check_query(parts.file, query, parameters)


def _check_query(file: str, query: str, parameters: Collection[str]) -> None:
    try:
        statements = duckdb.extract_statements(query)
    except duckdb.Error as error:
        raise malformed(file, f"the SQL can't be read: {error}") from None
    if len(statements) != 1 or statements[0].type is not duckdb.StatementType.SELECT:
        raise malformed(file, "the SQL must be one query", "a single SELECT in each section")
    for name in statements[0].named_parameters:
        if name not in parameters:
            raise malformed(file, f"${name} is not declared as a parameter", ", ".join(parameters))


def malformed(file: str, what: str, allowed: str = "") -> BadInput:
    """The error of a file that can't be used."""
    return BadInput.one(Problem(what, file=file, allowed=allowed))
