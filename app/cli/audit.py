"""`plumbline audit`: the log's checkpoints, proofs and exports, and checking them anywhere."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click
from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col

from app.audit_documents import documents_of
from app.audit_log import key_folder, rotate_key
from app.audit_log import sequence as run_sequencer
from app.cli.audit_verify import check, verify, words
from app.cli.audit_witness import witness
from app.cli.common import reports_problems
from app.cli.installation import Installation, changing, installation, reading
from app.database import session_scope
from app.evidence_store import store_of
from app.settings import load_settings
from app.timestamping import stamp_latest
from governance.access import Actor
from governance.audit.cosignatures import cosigned_note
from governance.audit.erasure import erase_reason
from governance.audit.export import export_log, export_proofs
from governance.audit.log_proofs import proof_of
from governance.audit.models import Action
from governance.audit.sequencing import checkpoint_of, entry_of
from governance.audit.service import Change, entries_of, record
from governance.engagements.models import Engagement
from governance.errors import BadInput, NotFound, Problem
from governance.tenancy import EVERYTHING


@click.group()
def audit() -> None:
    """Prove what was done, and check the proof."""


for _command in (verify, check, witness):
    audit.add_command(_command)


@audit.command()
@reports_problems
def sequence() -> None:
    """Bring all pending entries under a signed checkpoint."""
    with installation() as (engine, settings):
        signed = run_sequencer(engine, key_folder(settings))
    click.echo(words(signed) if signed else "No entries were pending.")


@audit.command()
@reports_problems
def key() -> None:
    """Print the log's public key, to be kept by auditors and witnesses."""
    settings = load_settings()
    public = key_folder(settings).public()
    if public is None:
        raise NotFound(
            f"there is no key of the log in {settings.key_dir}: `plumbline audit sequence` makes it"
            " with the first checkpoint; the key of an existing log is in its backup"
        )
    click.echo(str(public))


@audit.command("rotate-key")
@click.confirmation_option(prompt="The old key is destroyed. Go on?")
@reports_problems
def rotate() -> None:
    """Give the log a new key.

    The old and the new key sign the same tree, in which an entry states the new key. So whoever
    holds the old key can follow; `audit verify` does it by itself.
    """
    with installation() as (engine, settings):
        new = rotate_key(engine, key_folder(settings), _actor())
    click.echo(f"The log's key is now\n{new}\nBack it up, and tell auditors and witnesses.")


@audit.command()
@click.option("--authority", help="Address of an RFC 3161 service; by default the setting's.")
@reports_problems
def timestamp(authority: str | None) -> None:
    """Have the latest checkpoint stamped by a time-stamping authority."""
    with installation() as (engine, settings):
        address = authority or settings.timestamp_authority
        if not address:
            problem = Problem(
                "no time-stamping authority is known",
                allowed="set PLUMBLINE_TIMESTAMP_AUTHORITY or hand in --authority",
            )
            raise BadInput.one(problem)
        run_sequencer(engine, key_folder(settings))
        size, stamp = stamp_latest(engine, address)
    click.echo(f"Stamped at {stamp.at.isoformat()}: the checkpoint of {size} entries.")


@audit.command("erase-reason")
@click.argument("entry")
@click.confirmation_option(prompt="The words can't be brought back. Go on?")
@reports_problems
def erase_reason_of(entry: str) -> None:
    """Erase the words that ENTRY, named by its id, gives as its reason. Its proof stays."""
    with changing() as (session, _):
        found = entry_of(session, entry)
        if not erase_reason(session, found):
            raise NotFound("the entry has no reason that could be erased")
        what = Change(Action.REASON_ERASED, "audit_entry", entry, entry, found.engagement_id)
        record(session, _actor(), what)
    click.echo("Erased. Copies that were exported or backed up before keep it.")


@audit.command()
@click.option("--size", type=click.IntRange(min=1), help="Of so many entries; the latest if not.")
@reports_problems
def checkpoint(size: int | None) -> None:
    """Print a signed checkpoint. Whoever keeps it can show later if the log was rewritten."""
    with reading() as (session, _):
        click.echo(cosigned_note(session, checkpoint_of(session, size)), nl=False)


@audit.command()
@click.argument("entry")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="File to write.")
@reports_problems
def proof(entry: str, out: Path | None) -> None:
    """Prove that ENTRY, named by its id, is in the log."""
    with reading() as (session, _):
        text = proof_of(session, entry).text
    if out is None:
        click.echo(text, nl=False)
    else:
        out.write_text(text, encoding="utf-8")
        click.echo(f"Written: {out}")


@audit.command()
@click.option("--out", required=True, type=click.Path(file_okay=False, path_type=Path))
@click.option("--engagement", help="Only proofs of what happened in this engagement.")
@click.option(
    "--with-documents",
    is_flag=True,
    help="Also its contract versions, evidence and issued documents.",
)
@reports_problems
def export(out: Path, engagement: str | None, *, with_documents: bool) -> None:
    """Write the log to a folder that `plumbline audit verify` and public tools can check."""
    if out.exists() and any(out.iterdir()):
        raise BadInput.one(Problem("the folder is not empty", file=str(out), allowed="a new one"))
    if with_documents and engagement is None:
        problem = Problem("documents are those of one engagement", allowed="name it: --engagement")
        raise BadInput.one(problem)
    with installation() as opened:
        written = _export(opened, out, engagement, with_documents=with_documents)
        log = key_folder(opened.settings).signer().verifier
    click.echo(f"Written: {written} in {out}. The log's key is\n{log}")


def _export(
    opened: Installation, out: Path, engagement: str | None, *, with_documents: bool
) -> str:
    """Record the export, then write it, so that it proves itself too."""
    engine, keys = opened.engine, key_folder(opened.settings)
    with session_scope(engine, sees=EVERYTHING) as session:
        tenant = None if engagement is None else _engagement_id(session, engagement)
        what = Change(Action.LOG_EXPORTED, "audit_entry", "", engagement or "all", tenant)
        record(session, _actor(), what)
    run_sequencer(engine, keys)
    log = keys.signer().verifier
    with session_scope(engine, sees=EVERYTHING, read_only=True) as session:
        if tenant is None:
            return f"{export_log(session, log, out)} entries"
        chosen = entries_of(session, tenant)
        store = store_of(opened.settings)
        documents = documents_of(session, tenant, store) if with_documents else ()
        return f"{export_proofs(session, log, out, chosen, documents)} proofs"


def _engagement_id(session: Session, reference: str) -> int:
    chosen = select(col(Engagement.id)).where(col(Engagement.reference) == reference)
    found = session.scalars(chosen).first()
    if found is None:
        raise NotFound(f"there is no engagement {reference}")
    return found


def _actor() -> Actor:
    return Actor(None, "command line", datetime.now(UTC))
