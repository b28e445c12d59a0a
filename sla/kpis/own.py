"""A customer's own KPIs: files of the same form in a folder, checked before anything runs them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from governance.contract.kpi_signature import normal_parameter
from governance.errors import BadInput, Problem
from sla.evidence.business_time import TABLE as BUSINESS_TIME
from sla.evidence.datasets import DATASETS
from sla.kpis.definitions import STANDARD_PARAMETERS, KpiDefinition, parse_definition
from sla.kpis.places import line_of
from sla.kpis.sql_guard import refusals
from sla.kpis.trial import try_out

MAX_BYTES = 256 * 1024
"""Of one file; the largest that come with the product have a thirtieth of it."""
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_MEANT = {"months": "integer", "current": "choice_or_days", "direction": "choice"}
"""Parameters that mean the same in every KPI, and so have the same type."""

Catalogue = Mapping[str, KpiDefinition]
Words = Mapping[str, str]


def load_own(folder: Path, shipped: Catalogue, words: Words) -> dict[str, KpiDefinition]:
    """The KPIs in `folder` by name; they may use the product's words and those in folder/words.

    Raises BadInput with everything wrong with any of them.
    """
    if not folder.is_dir():
        what = "the folder of own KPIs isn't there"
        raise BadInput.one(Problem(what, file=str(folder), allowed="a folder with .sql files"))
    known = {**words, **_own_words(folder / "words", words)}
    found: dict[str, KpiDefinition] = {}
    problems: list[Problem] = []
    for path in sorted(folder.glob("*.sql")):
        try:
            found[path.stem] = check_own(path, shipped, known)
        except BadInput as error:
            problems += error.problems
    if problems:
        raise BadInput(problems)
    return found


def check_file(path: Path, shipped: Catalogue, words: Words) -> KpiDefinition:
    """One file, with the words that lie beside it; as `check_own`."""
    return check_own(path, shipped, {**words, **_own_words(path.parent / "words", words)})


def check_own(path: Path, shipped: Catalogue, words: Words) -> KpiDefinition:
    """Read one file and try it out on a made-up ledger.

    Raises BadInput with all that a KPI may not do, and where the file can't be read as one.
    """
    text = _text(path)
    _require(path, _name_problems(path, shipped))
    definition = replace(_in_file(path, path.stem, text, words), own=True)
    _require(path, [*_declared(definition), *_front(definition)])
    _require(path, _sql_problems(definition, text, words))
    _require(path, try_out(definition))
    return definition


def _in_file(path: Path, name: str, text: str, words: Words) -> KpiDefinition:
    """The definition; what is wrong names the file as it was given."""
    try:
        return parse_definition(name, text, words)
    except BadInput as error:
        raise BadInput(replace(one, file=str(path)) for one in error.problems) from None


def _require(path: Path, problems: Sequence[Problem]) -> None:
    if problems:
        raise BadInput(replace(problem, file=str(path)) for problem in problems)


def _text(path: Path) -> str:
    try:
        data = path.read_bytes() if path.stat().st_size <= MAX_BYTES else None
    except OSError as error:
        raise BadInput.one(Problem(f"can't be read: {error.strerror}", file=str(path))) from None
    if data is None:
        allowed = f"at most {MAX_BYTES} bytes"
        raise BadInput.one(Problem("the file is too large for a KPI", str(path), allowed=allowed))
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        what = "the file isn't text in UTF-8"
        raise BadInput.one(Problem(what, str(path), allowed="save it as UTF-8")) from None
    if "\0" in text:
        raise BadInput.one(Problem("the file holds a NUL character", str(path)))
    return text.replace("\r\n", "\n")


def _own_words(folder: Path, shipped: Words) -> dict[str, str]:
    found = {}
    problems = []
    for path in sorted(folder.glob("*.sql")) if folder.is_dir() else ():
        if path.stem in shipped:
            what = f"the words '{path.stem}' come with the product"
            problems.append(Problem(what, file=str(path), allowed="another name"))
        found[path.stem] = _text(path)
    if problems:
        raise BadInput(problems)
    return found


def _name_problems(path: Path, shipped: Catalogue) -> list[Problem]:
    if path.suffix != ".sql" or not _NAME.fullmatch(path.stem):
        allowed = "small letters, digits and _, beginning with a letter, such as my_kpi.sql"
        return [Problem("the file's name is the KPI's, and can't be one", allowed=allowed)]
    if path.stem in shipped and not shipped[path.stem].own:
        what = f"{path.stem} is a KPI of the product, which can't be replaced"
        return [Problem(what, allowed="another file name")]
    return []


def _declared(definition: KpiDefinition) -> list[Problem]:
    return [
        Problem(f"there is no dataset '{name}'", column="datasets", allowed=", ".join(DATASETS))
        for name in definition.datasets
        if name not in DATASETS
    ]


def _front(definition: KpiDefinition) -> Iterator[Problem]:
    for name, parameter in definition.parameters.items():
        column = f"parameters.{name}"
        if name in STANDARD_PARAMETERS or not _NAME.fullmatch(name):
            what = f"a parameter can't be called '{name}'"
            yield Problem(what, column=column, allowed="a name that isn't a standard parameter")
        if _MEANT.get(name, parameter.type) != parameter.type:
            what = f"the parameter '{name}' has one meaning in all KPIs"
            yield Problem(what, column=column, found=parameter.type, allowed=_MEANT[name])
        if parameter.type.startswith("choice") and not parameter.choices:
            yield Problem("a choice needs choices", column=column, allowed="choices: [one, two]")
        if name == "direction" and set(parameter.choices) - {"higher_is_better", "lower_is_better"}:
            allowed = "higher_is_better, lower_is_better"
            yield Problem("a direction is one of two", column=column, allowed=allowed)
        try:
            if parameter.default is not None:
                normal_parameter(parameter, parameter.default)
        except ValueError as error:
            what = "the default isn't allowed"
            yield Problem(what, column=column, found=str(parameter.default), allowed=str(error))


def _sql_problems(definition: KpiDefinition, text: str, words: Words) -> list[Problem]:
    tables = {*definition.datasets, BUSINESS_TIME}
    found: dict[Problem, None] = {}
    for query in (definition.sql, definition.drill_down_sql):
        for refusal in refusals(query, tables):
            line = None if refusal.at is None else line_of(query, refusal.at, text, words)
            problem = Problem(refusal.what, line=line, found=refusal.found, allowed=refusal.allowed)
            # Both sections hold the same expressions after WITH.
            found.setdefault(problem)
    return list(found)
