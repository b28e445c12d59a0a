"""What every command shares: JSON or text on standard output, problems on standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import Path
from typing import Any, NoReturn, ParamSpec, TypeVar

import click

from app.errors import outcome_of
from governance.errors import BadInput, PlumblineError

P = ParamSpec("P")
R = TypeVar("R")

json_option = click.option("--json", "as_json", is_flag=True, help="Answer as JSON.")


def print_json(value: Any) -> None:
    """Write `value` as indented JSON; decimals must already be strings."""
    json.dump(value, sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")


def write_pages(out: Path, pages: Mapping[str, str], index: str) -> None:
    """Write Markdown pages by name into the folder `out`, their index beside it, and say so."""
    out.mkdir(parents=True, exist_ok=True)
    for name, page in pages.items():
        (out / f"{name}.md").write_text(page, encoding="utf-8")
    beside = out.with_suffix(".md")
    beside.write_text(index, encoding="utf-8")
    click.echo(f"{len(pages)} pages in {out}, the index in {beside}")


def fail(error: PlumblineError) -> NoReturn:
    """Print each problem on a line of its own and leave with the error's exit code."""
    lines = (
        [str(problem) for problem in error.problems]
        if isinstance(error, BadInput)
        else [str(error)]
    )
    for line in lines:
        click.echo(f"plumbline: {line}", err=True)
    sys.exit(outcome_of(error).exit_code)


def reports_problems(command: Callable[P, R]) -> Callable[P, R]:
    """Decorate a command so that typed errors become messages and exit codes."""

    @wraps(command)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except PlumblineError as error:
            fail(error)

    return wrapper
