"""`plumbline backup` and `plumbline restore`: the whole installation in a folder, and back."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from app.cli.common import reports_problems
from app.cli.installation import installation
from app.operation.backup import make_backup
from app.operation.manifest import Manifest, read_backup
from app.operation.restore import check_restored, restore_backup
from app.settings import load_settings

_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
_KEYS_APART = """\
The audit log's key and the secret are not in it: whoever holds the data and the key can rewrite
the log unnoticed. Back the key folder up apart: {keys}"""
_KEYS_INSIDE = """\
It holds the audit log's key: whoever gets hold of this backup can rewrite the log unnoticed. A
secret given by PLUMBLINE_SECRET_KEY is not in it."""


@click.command()
@click.option("--out", type=click.Path(path_type=Path), help="Folder to make.")
@click.option("--with-keys", is_flag=True, help="Put the key folder in too; read what it means.")
@click.option("--verify", "existing", type=_FOLDER, help="Only check a backup made before.")
@reports_problems
def backup(out: Path | None, existing: Path | None, *, with_keys: bool) -> None:
    """Back up the database and the evidence to a new folder; the application may be at work.

    Keys stay out of it unless --with-keys says otherwise, as a backup that holds data and key
    lets whoever finds it rewrite the audit log.
    """
    if (out is None) == (existing is None):
        raise click.UsageError("Say either --out or --verify.")
    if existing is not None:
        click.echo(f"Every file is as it was backed up: {_words(read_backup(existing))}")
        return
    with installation() as (engine, settings):
        made = make_backup(engine, settings, Path(str(out)), datetime.now(UTC), with_keys=with_keys)
    click.echo(f"Written: {out}, {_words(made)}")
    click.echo(_KEYS_INSIDE if with_keys else _KEYS_APART.format(keys=settings.key_dir))


@click.command()
@click.argument("folder", metavar="BACKUP", type=_FOLDER)
@reports_problems
def restore(folder: Path) -> None:
    """Restore BACKUP into an empty installation, then check its audit log.

    The key folder must be there, or be part of the backup. Where the checkpoint beside the key
    knows of more entries than the backup has, they are lost: the check says so, and the log
    signs nothing any more.
    """
    settings = load_settings()
    restored = restore_backup(settings, folder)
    click.echo(f"Restored: {_words(restored)}")
    verdict = check_restored(settings, restored, datetime.now(UTC))
    click.echo(f"The audit log holds: {verdict.size} entries, every row as they say.")


def _words(manifest: Manifest) -> str:
    total = sum(one.size for one in manifest.files)
    return (
        f"{len(manifest.files)} files, {total} bytes, made {manifest.made_at}, {manifest.database}"
        f" schema {manifest.schema}, audit log of {manifest.audit.size} entries"
    )
