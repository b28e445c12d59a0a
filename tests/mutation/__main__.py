"""`make mutants`: changes the calculators in small ways and asks which changes no test notices.

mutmut makes the changes, as pyproject.toml configures it; `trying.py` runs the quick tests of the
calculators against each. What it prints is also written to `var/mutants.md`: mutants a module,
the share that was killed, and every survivor with its change. A survivor that changes nothing
that can be seen is listed in `equivalent.yaml` with the reason. The run fails below 95 % killed,
for a survivor without a reason, and for a reason that no survivor needs any more.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import yaml

from tests.paths import ROOT

LEAST_KILLED = 95
_FOLDER = ROOT / "mutants"
_EQUIVALENT = Path(__file__).with_name("equivalent.yaml")
_CAUGHT = (1, 36)
"""A test failed, or never came to an end."""
_MUTMUT = str(Path(sys.executable).with_name("mutmut"))


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change and what the tests made of it."""

    name: str
    exit_code: int | None
    """Of the tests; None where they did not run."""

    @property
    def module(self) -> str:
        """The module that is changed."""
        return self.name.rpartition(".")[0]

    @property
    def caught(self) -> bool:
        """Whether a test failed, or never came to an end."""
        return self.exit_code in _CAUGHT


@dataclass(frozen=True, slots=True)
class Survivor:
    """A change that no test noticed."""

    mutant: Mutant
    change: str
    """The changed lines, as a diff shows them."""
    key: tuple[str, str]
    """The function, and the lines put in: what its reason is found by."""
    why: str = ""
    """Why it changes nothing that can be seen; empty where nobody has said so."""


def main() -> None:
    """Run the mutants, write the summary and fail where it isn't good enough."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("only", nargs="*", help="names of mutants, such as billing.tax.*")
    options.add_argument("--report", type=Path, default=ROOT / "var" / "mutants.md")
    options.add_argument("--processes", type=int, default=2)
    chosen = options.parse_args()
    mutants = try_mutants(make_mutants(chosen.processes, chosen.only), chosen.processes)
    reasons = read_reasons(_EQUIVALENT)
    survivors = [_survivor(mutant, reasons) for mutant in mutants if not mutant.caught]
    unused = [] if chosen.only else sorted(reasons.keys() - {one.key for one in survivors})
    report = "\n".join(report_lines(mutants, survivors, unused)) + "\n"
    chosen.report.parent.mkdir(parents=True, exist_ok=True)
    chosen.report.write_text(report, encoding="utf-8")
    sys.stdout.write(report)
    if killed_percent(mutants) < LEAST_KILLED or unused or any(not one.why for one in survivors):
        raise SystemExit(1)


def make_mutants(processes: int, only: Iterable[str]) -> list[str]:
    """Let mutmut write the changed modules, and answer the names of those asked for."""
    _python("generating.py", ROOT, str(processes))
    names: list[str] = []
    for path in sorted(_FOLDER.rglob("*.py.meta")):
        names += json.loads(path.read_text(encoding="utf-8"))["exit_code_by_key"]
    patterns = list(only)
    return [
        name for name in names if not patterns or any(fnmatchcase(name, one) for one in patterns)
    ]


def try_mutants(names: list[str], processes: int) -> list[Mutant]:
    """What the tests make of each mutant."""
    configured = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    terms = configured["tool"]["mutmut"]
    chosen = terms["pytest_add_cli_args"] + terms["pytest_add_cli_args_test_selection"]
    said = _python("trying.py", _FOLDER, str(processes), *chosen, given="\n".join(names))
    return [Mutant(name, code) for name, code in json.loads(said).items()]


def _python(program: str, folder: Path, *arguments: str, given: str = "") -> str:
    command = [sys.executable, str(Path(__file__).with_name(program)), *arguments]
    done = subprocess.run(
        command, cwd=folder, check=True, input=given, stdout=subprocess.PIPE, text=True
    )
    return done.stdout


def read_reasons(path: Path) -> dict[tuple[str, str], str]:
    """Why survivors are equivalent, by the function's name and the changed line."""
    entries = yaml.safe_load(path.read_text(encoding="utf-8")) or []
    return {(one["function"], one["becomes"]): one["why"] for one in entries}


def function_of(name: str) -> str:
    """The function that a mutant is made of, as its module names it."""
    module, _, mangled = name.rpartition(".")
    function = mangled.rpartition("__mutmut_")[0]
    return f"{module}.{function.removeprefix('x_').replace('xǁ', '').replace('ǁ', '.')}"


def changed_lines(shown: str) -> list[str]:
    """The lines of a diff that were taken away and put in, without its head."""
    body = shown.partition("@@")[2].splitlines()[1:]
    return [line for line in body if line.startswith(("-", "+"))]


def _survivor(mutant: Mutant, reasons: Mapping[tuple[str, str], str]) -> Survivor:
    shown = subprocess.run(
        [_MUTMUT, "show", mutant.name], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    lines = changed_lines(shown)
    put_in = " ".join(line[1:].strip() for line in lines if line.startswith("+"))
    key = function_of(mutant.name), put_in
    return Survivor(mutant, "\n".join(lines), key, reasons.get(key, ""))


def killed_percent(mutants: list[Mutant]) -> float:
    """The share of mutants that the tests noticed, in %."""
    return 100 * sum(one.caught for one in mutants) / len(mutants) if mutants else 0.0


def report_lines(
    mutants: list[Mutant], survivors: list[Survivor], unused: Iterable[tuple[str, str]]
) -> Iterator[str]:
    """The summary as Markdown."""
    yield "# Mutants of the calculators"
    yield ""
    yield f"{killed_percent(mutants):.1f} % of {len(mutants)} mutants killed."
    yield ""
    yield "| module | mutants | killed | survived | % |"
    yield "| --- | ---: | ---: | ---: | ---: |"
    caught = Counter(one.module for one in mutants if one.caught)
    for module, count in sorted(Counter(one.module for one in mutants).items()):
        killed = caught[module]
        yield f"| {module} | {count} | {killed} | {count - killed} | {100 * killed / count:.1f} |"
    for title, some in (
        ("Survivors without a reason", [one for one in survivors if not one.why]),
        ("Survivors that change nothing", [one for one in survivors if one.why]),
    ):
        if some:
            yield from ("", f"## {title}")
        for one in some:
            yield from ("", f"`{one.mutant.name}`", "", "```diff", one.change, "```")
            if one.why:
                yield from ("", one.why)
    for function, becomes in unused:
        yield from ("", f"Reason that no survivor needs: {function}: {becomes}")


if __name__ == "__main__":
    main()
