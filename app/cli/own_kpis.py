"""The option `--kpi-dir`: a folder of own KPIs, beside those of the product."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from sla.kpis.catalogue import load_catalogue
from sla.kpis.definitions import KpiDefinition

_KEY = "plumbline.kpi_dir"
Command = TypeVar("Command", bound=Callable[..., Any])


def _remember(context: click.Context, _: click.Parameter, folder: Path | None) -> None:
    context.meta[_KEY] = folder


def kpi_dir_option(command: Command) -> Command:
    """Let a command take `--kpi-dir`; `catalogue` then holds the KPIs of that folder, too."""
    return click.option(
        "--kpi-dir",
        type=click.Path(path_type=Path),
        envvar="PLUMBLINE_KPI_DIR",
        expose_value=False,
        callback=_remember,
        help="Folder of own KPIs (.sql), checked before use.",
    )(command)


def kpi_dir() -> Path | None:
    """The folder that the running command was given; None where it was given none."""
    context = click.get_current_context(silent=True)
    folder = None if context is None else context.meta.get(_KEY)
    return folder if isinstance(folder, Path) else None


def catalogue() -> Mapping[str, KpiDefinition]:
    """The KPIs that the running command knows.

    Raises BadInput where one of the folder does what a KPI may not.
    """
    return load_catalogue(kpi_dir())
