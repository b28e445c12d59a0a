"""The relief document as an option of commands that measure."""

from __future__ import annotations

from pathlib import Path

import click

relief_option = click.option(
    "--relief",
    type=click.Path(path_type=Path),
    help="Document with the relief events that the client granted.",
)
