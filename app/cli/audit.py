"""`plumbline audit`: the log's checkpoints, proofs and exports, and checking them anywhere."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from pathlib import Path

import click
from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col

from app.audit_log import key_folder
from app.audit_log import sequence as run_sequencer
from app.cli.common import json_option, print_json, reports_problems
from app.database import METADATA, make_engine, session_scope
from app.settings import load_settings
from governance.access import Actor
from governance.audit.checkpoints import Checkpoint, open_checkpoint
from governance.audit.export import POLICY, export_log, export_proofs
from governance.audit.folder_check import HeldNote, Policy, check_folder, read_policy
from governance.audit.log_proofs import proof_of
from governance.audit.models import Action
from governance.audit.notes import parse_verifier_key
from governance.audit.self_check import check_database
from governance.audit.sequencing import checkpoint_of
from governance.audit.service import Change, entries_of, record
from governance.audit.verification import Claim, Verdict
from governance.audit.witness import cosign_folder, witness_key
from governance.engagements.models import Engagement
from governance.errors import BadInput, NotFound, Problem

_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_key_option = click.option(
    "--key", help="The log's key as it was given to you; by default the folder's own."
)


@click.group()
def audit() -> None:
    """Prove what was done, and check the proof."""


@audit.command()
@reports_problems
def sequence() -> None:
    """Bring all pending entries under a signed checkpoint."""
    settings = load_settings()
    signed = run_sequencer(make_engine(settings), key_folder(settings))
    click.echo(_words(signed) if signed else "No entries were pending.")


@audit.command()
@reports_problems
def key() -> None:
    """Print the log's public key, to be kept by auditors and witnesses."""
    click.echo(str(key_folder(load_settings()).signer().verifier))


@audit.command()
@click.option("--size", type=click.IntRange(min=1), help="Of so many entries; the latest if not.")
@reports_problems
def checkpoint(size: int | None) -> None:
    """Print a signed checkpoint. Whoever keeps it can show later if the log was rewritten."""
    with session_scope(make_engine(load_settings()), read_only=True) as session:
        click.echo(checkpoint_of(session, size).note, nl=False)


@audit.command()
@click.argument("entry")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="File to write.")
@reports_problems
def proof(entry: str, out: Path | None) -> None:
    """Prove that ENTRY, named by its id, is in the log."""
    with session_scope(make_engine(load_settings()), read_only=True) as session:
        text = proof_of(session, entry).text
    if out is None:
        click.echo(text, nl=False)
    else:
        out.write_text(text, encoding="utf-8")
        click.echo(f"Written: {out}")


@audit.command()
@click.option("--out", required=True, type=click.Path(file_okay=False, path_type=Path))
@click.option("--engagement", help="Only proofs of what happened in this engagement.")
@reports_problems
def export(out: Path, engagement: str | None) -> None:
    """Write the log to a folder that `plumbline audit verify` and public tools can check."""
    if out.exists() and any(out.iterdir()):
        raise BadInput.one(Problem("the folder is not empty", file=str(out), allowed="a new one"))
    settings = load_settings()
    engine, keys = make_engine(settings), key_folder(settings)
    with session_scope(engine) as session:
        tenant = None if engagement is None else _engagement_id(session, engagement)
        what = Change(Action.LOG_EXPORTED, "audit_entry", "", engagement or "all", tenant)
        record(session, Actor(None, "command line", datetime.now(UTC)), what)
    run_sequencer(engine, keys)
    log = keys.signer().verifier
    with session_scope(engine, read_only=True) as session:
        if tenant is None:
            written = f"{export_log(session, log, out)} entries"
        else:
            written = f"{export_proofs(session, log, out, entries_of(session, tenant))} proofs"
    click.echo(f"Written: {written} in {out}. The log's key is\n{log}")


def _engagement_id(session: Session, reference: str) -> int:
    chosen = select(col(Engagement.id)).where(col(Engagement.reference) == reference)
    found = session.scalars(chosen).first()
    if found is None:
        raise NotFound(f"there is no engagement {reference}")
    return found


@audit.command()
@click.argument("folder", type=_FOLDER)
@click.option("--checkpoint", "held", type=_FILE, multiple=True, help="A checkpoint you kept.")
@_key_option
@json_option
@reports_problems
def verify(folder: Path, held: tuple[Path, ...], key: str | None, *, as_json: bool) -> None:
    """Check an exported FOLDER; no database and no network is needed.

    Checkpoints that you received before show whether the log was rewritten since.
    """
    policy = _policy(folder, key)
    kept = [HeldNote(str(path), path.read_text(encoding="utf-8")) for path in held]
    verdict = check_folder(folder, policy, kept)
    _report(verdict, as_json=as_json)
    if key is None and not as_json:
        click.echo("The key was the folder's own; compare it with the one given to you:")
        click.echo(str(policy.log))


@audit.command()
@click.option("--checkpoint", "held", type=_FILE, multiple=True, help="A checkpoint kept outside.")
@json_option
@reports_problems
def check(held: tuple[Path, ...], *, as_json: bool) -> None:
    """Check the log in the database, and every row that it speaks of."""
    settings = load_settings()
    keys = key_folder(settings)
    log = keys.signer().verifier
    claims = [
        Claim(str(path), open_checkpoint(path.read_text(encoding="utf-8"), log)) for path in held
    ]
    own = keys.held()
    claims += [Claim("the last checkpoint beside the key", own)] if own else []
    with session_scope(make_engine(settings), read_only=True) as session:
        verdict = check_database(session, log, METADATA, claims)
    _report(verdict, as_json=as_json)


@audit.command()
@click.argument("folder", type=_FOLDER)
@click.option("--state", required=True, type=click.Path(file_okay=False, path_type=Path))
@click.option("--name", required=True, help="The witness's name, a URL without scheme.")
@_key_option
@reports_problems
def witness(folder: Path, state: Path, name: str, key: str | None) -> None:
    """Cosign the checkpoint of an exported FOLDER, if it extends the last one in --state.

    Run it where the log's operator has no access. The state holds the witness's own key.
    """
    log = _policy(folder, key).log
    cosigned = cosign_folder(folder, log, state, name, int(datetime.now(UTC).timestamp()))
    click.echo(f"Cosigned: {_words(cosigned)}")
    click.echo(
        f"Verifiers need this line in their policy:\nwitness {name} "
        f"{witness_key(state, name).verifier}"
    )


def _policy(folder: Path, key: str | None) -> Policy:
    if key is None:
        return read_policy(folder)
    known = read_policy(folder).witnesses if (folder / POLICY).exists() else ()
    return Policy(parse_verifier_key(key), known)


def _words(checkpoint: Checkpoint) -> str:
    root = base64.b64encode(checkpoint.root).decode()
    return f"{checkpoint.size} entries of {checkpoint.origin}, root {root}"


def _report(verdict: Verdict, *, as_json: bool) -> None:
    """Print what was found; BadInput with every problem where there is any."""
    root = base64.b64encode(verdict.root).decode()
    if as_json:
        print_json(
            {
                "size": verdict.size,
                "root": root,
                "erased": verdict.erased,
                "cosigned_by": list(verdict.cosigners),
                "proofs": verdict.proofs,
                "problems": [one.as_json() for one in verdict.problems],
            }
        )
    if verdict.problems:
        raise BadInput(verdict.problems)
    if not as_json:
        click.echo(f"Everything holds: {verdict.size} entries, root {root}.")
        click.echo(f"{verdict.erased} personal values are erased, {verdict.proofs} proofs hold.")
        click.echo(f"Cosigned by: {', '.join(verdict.cosigners) or 'nobody'}.")
