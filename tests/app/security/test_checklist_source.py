"""Points of the checklist that the source itself must hold, read rather than run."""

from __future__ import annotations

import importlib
import pkgutil
import re
import time
import tomllib
from collections.abc import Iterator

import app
import billing
import governance
import sla
from tests.app.security.source import calls, imports, templates
from tests.paths import ROOT

_LIMIT = 0.1
_CHARACTERS = 50_000
_REPEATED = (
    *("a", "0", " ", "_", "-", ".", "@", "\\", "{", "%", "\t", "\n", "é", '"', "'", "(", "="),
    *("0.", "a-", "{a:", "\\u", "1e", "x@", "index 1", "-- words: ", "\\ud800", "a b", "0a"),
)
_BEFORE, _AFTER = ("", "a", "0"), ("", "a", "!", "\n\x00")
_SHORT_TEXTS = {
    "app.cli.verify._ADDRESS": 500,
    "governance.parties.passwords._TRIMMINGS": 256,
    "sla.evidence.proposal_columns._NUMBER": 100,
}
"""Patterns that only ever see texts of a length that is checked before."""


def _patterns() -> Iterator[tuple[str, re.Pattern[str]]]:
    for package in (app, billing, sla, governance):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if module.name.endswith("__main__"):
                continue
            for name, value in vars(importlib.import_module(module.name)).items():
                if isinstance(value, re.Pattern) and isinstance(value.pattern, str):
                    yield f"{module.name}.{name}", value


def _worst(pattern: re.Pattern[str], length: int) -> tuple[float, str]:
    """The most processor time that a text takes, and that text's beginning."""
    texts = (
        f"{before}{repeated * (length // len(repeated))}{after}"
        for repeated in _REPEATED
        for before in _BEFORE
        for after in _AFTER
    )
    return max((_seconds(pattern, text), text[:20]) for text in texts)


def _seconds(pattern: re.Pattern[str], text: str) -> float:
    """Processor time; what takes too long is looked at once more, in case it was something else."""
    took = _once(pattern, text)
    return took if took < _LIMIT else min(took, _once(pattern, text))


def _once(pattern: re.Pattern[str], text: str) -> float:
    began = time.thread_time()
    pattern.fullmatch(text)
    pattern.search(text)
    return time.thread_time() - began


def test_07_no_pattern_takes_long_on_a_hostile_text() -> None:
    """ASVS 1.3.12. Processor time, so that a busy machine doesn't count."""
    patterns = dict(_patterns())
    assert len(patterns) > 15
    for name, pattern in patterns.items():
        seconds, text = _worst(pattern, _SHORT_TEXTS.get(name, _CHARACTERS))
        assert seconds < _LIMIT, f"{name} took {seconds:.2f} s on {text!r}…"


def test_02_sql_is_not_built_by_joining_texts() -> None:
    """ASVS 1.2.4. The linter refuses it outside tests; where it may be, a reason stands."""
    ruff = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["ruff"]["lint"]
    assert "S" in ruff["select"]
    assert not {"S", "S6", "S608"} & set(ruff["ignore"])
    for pattern, rules in ruff["per-file-ignores"].items():
        assert "S608" not in rules or pattern.startswith("tests/"), pattern
    allowed = [path for path, lines in _exceptions("S608") if not lines]
    assert allowed == []


def _exceptions(rule: str) -> Iterator[tuple[str, bool]]:
    """Module and whether a reason stands in parentheses behind each exception from a rule."""
    for package in ("app", "billing", "sla", "governance", "migrations"):
        for path in sorted((ROOT / package).rglob("*.py")):
            for line in path.read_text("utf-8").splitlines():
                if "noqa" in line and rule in line:
                    yield path.relative_to(ROOT).as_posix(), "(" in line.partition(rule)[2]


def test_06_no_text_becomes_a_template() -> None:
    """ASVS 1.3.7. Templates come from the project's folders only."""
    made = {path for path, name in calls() if name.split(".")[-1] in {"from_string", "Template"}}
    assert made == set()


def test_08_xml_is_read_in_few_places() -> None:
    """ASVS 1.5.1. Our own drawings and forms, and what others send, where a DTD is refused."""
    readers = {path for path, name in imports() if re.match(r"(xml|lxml|defusedxml)\b", name)}
    own = {"app/documents/svg.py", "billing/e_invoices/schema.py"}
    sent = {
        "billing/e_invoices/rules.py",
        "billing/e_invoices/xml.py",
        "billing/payments/camt_reader.py",
        "billing/provider_invoices/xml_reader.py",
        "sla/evidence/worksheets.py",
    }
    assert readers == own | sent


def test_09_nothing_stored_or_sent_is_run_as_code() -> None:
    """ASVS 1.5.2."""
    for path, name in imports():
        assert name.split(".")[0] not in {"pickle", "marshal", "shelve", "dill", "cloudpickle"}, (
            path
        )
    dangerous = {"eval", "exec", "yaml.load", "yaml.unsafe_load", "yaml.full_load", "os.system"}
    for path, name in calls():
        assert name not in dangerous, f"{path} calls {name}"


def test_01_nothing_is_called_safe_but_our_own_drawings() -> None:
    """ASVS 1.2.1. Everything else is escaped."""
    for path, text in templates():
        assert not re.search(r"\|\s*safe\b|autoescape\s+false", text), path
    marked = {path for path, name in calls() if name.split(".")[-1] == "Markup"}
    assert marked == {"app/documents/svg.py"}


def test_19_pages_hold_no_inline_script_style_or_handler() -> None:
    """ASVS 3.4.3. So the policy needs neither 'unsafe-inline' nor 'unsafe-eval'."""
    inline = re.compile(
        r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=|\shx-on|javascript:", re.IGNORECASE
    )
    for path, text in templates():
        if not path.startswith(("templates/documents/", "templates/mail/")):
            assert not inline.search(text), path


def test_38_there_is_no_public_description_of_the_interface() -> None:
    """ASVS 13.4.5."""
    assert "openapi_config=None" in (ROOT / "app" / "asgi.py").read_text("utf-8")
