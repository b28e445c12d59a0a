"""`plumbline audit verify` and `check`: hold a log against what is known of it elsewhere."""

from __future__ import annotations

import base64
from pathlib import Path

import click
from cryptography.x509 import Certificate, load_pem_x509_certificates

from app.audit_log import key_folder
from app.cli.common import json_option, print_json, reports_problems
from app.cli.installation import reading
from app.database import METADATA
from governance.audit.checkpoints import Checkpoint, LogKeys, open_checkpoint
from governance.audit.entries import decode_entry
from governance.audit.export import POLICY
from governance.audit.folder_check import Held, HeldNote, Policy, check_folder, read_policy
from governance.audit.key_changes import stored_keys
from governance.audit.notes import VerifierKey, parse_verifier_key, strict_base64
from governance.audit.proofs import check_proof, parse_proof
from governance.audit.self_check import check_database
from governance.audit.verification import Claim, Verdict
from governance.errors import BadInput, InvalidNote, Problem

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_EITHER = click.Path(exists=True, path_type=Path)
key_option = click.option(
    "--key", help="The log's key as it was given to you; by default the folder's own."
)


@click.command()
@click.argument("export", type=_EITHER)
@click.option("--checkpoint", "held", type=_FILE, multiple=True, help="A checkpoint you kept.")
@click.option(
    "--printed",
    nargs=2,
    multiple=True,
    metavar="SIZE ROOT",
    help="Number of entries and root as an invoice or pack states them.",
)
@click.option(
    "--authority-certificate",
    "authorities",
    type=_FILE,
    multiple=True,
    help="Certificate of a time-stamping authority that you trust, as PEM.",
)
@click.option("--witness-key", "witnesses", multiple=True, help="Key of a witness that you trust.")
@key_option
@json_option
@reports_problems
def verify(
    export: Path,
    *,
    held: tuple[Path, ...],
    printed: tuple[tuple[str, str], ...],
    authorities: tuple[Path, ...],
    witnesses: tuple[str, ...],
    key: str | None,
    as_json: bool,
) -> None:
    """Check an EXPORT, a folder or a single proof file; no database and no network is needed.

    Checkpoints that you received before show whether the log was rewritten since. A log that
    has changed its key is followed from the key you hold by the hand-overs in the folder.
    """
    if export.is_file():
        _verify_proof(export, key)
        return
    policy = policy_of(export, key, witnesses)
    known = Held(
        tuple(HeldNote(str(path), _text(path)) for path in held),
        tuple(_printed(policy.log, size, root) for size, root in printed),
        tuple(one for path in authorities for one in _certificates(path)),
    )
    _report(check_folder(export, policy, known), as_json=as_json)
    if key is None and not as_json:
        click.echo("The key was the folder's own; compare it with the one given to you:")
        click.echo(str(policy.log))


def _verify_proof(file: Path, key: str | None) -> None:
    if key is None:
        problem = Problem("a proof file doesn't hold the log's key", allowed="hand it in by --key")
        raise BadInput.one(problem)
    proof = parse_proof(_text(file))
    found = check_proof(proof, proof.extra, parse_verifier_key(key))
    try:
        fields = decode_entry(proof.extra)
    except ValueError as error:
        raise InvalidNote(f"what the proof holds is no entry: {error}") from None
    click.echo(f"Proven: entry {proof.index} of {words(found)}.")
    click.echo(f"It is {fields['id']}: {fields['action']} at {fields['time']}.")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        problem = Problem("this is no text, so neither a checkpoint nor a proof", file=str(path))
        raise BadInput.one(problem) from None


def _printed(log: VerifierKey, size: str, root: str) -> Claim:
    where = f"the printed root of {size} entries"
    if not size.replace(",", "").isdecimal():
        raise BadInput.one(Problem("this is no number of entries", found=size))
    try:
        digest = strict_base64(root)
    except InvalidNote:
        problem = Problem("this is no root", found=root, allowed="44 characters that end with =")
        raise BadInput.one(problem) from None
    return Claim(where, Checkpoint(log.name, int(size.replace(",", "")), digest))


def _certificates(path: Path) -> list[Certificate]:
    try:
        return load_pem_x509_certificates(path.read_bytes())
    except ValueError as error:
        raise BadInput.one(Problem(f"this is no certificate: {error}", file=str(path))) from None


def policy_of(folder: Path, key: str | None, witnesses: tuple[str, ...] = ()) -> Policy:
    """Whose signatures count: by the key given, or else the folder's own."""
    given = tuple(parse_verifier_key(one) for one in witnesses)
    own = read_policy(folder) if key is None or (folder / POLICY).exists() else None
    log = parse_verifier_key(key) if key is not None else own.log if own else None
    assert log is not None  # noqa: S101 (read_policy raises where it names none)
    return Policy(log, given or (own.witnesses if own else ()))


@click.command()
@click.option("--checkpoint", "held", type=_FILE, multiple=True, help="A checkpoint kept outside.")
@json_option
@reports_problems
def check(held: tuple[Path, ...], *, as_json: bool) -> None:
    """Check the log in the database, and every row that it speaks of."""
    with reading() as (session, settings):
        keys = key_folder(settings)
        log, own = keys.signer().verifier, keys.held()
        trusted = stored_keys(session, log)
        claims = [_kept(path, trusted) for path in held]
        claims += [Claim("the last checkpoint beside the key", own)] if own else []
        verdict = check_database(session, log, METADATA, claims)
    _report(verdict, as_json=as_json)


def _kept(path: Path, trusted: LogKeys) -> Claim:
    try:
        return Claim(str(path), open_checkpoint(_text(path), trusted))
    except InvalidNote as error:
        raise BadInput.one(Problem(f"this is no checkpoint: {error}", file=str(path))) from None


def words(checkpoint: Checkpoint) -> str:
    """A checkpoint in one line."""
    root = base64.b64encode(checkpoint.root).decode()
    return f"{checkpoint.size} entries of {checkpoint.origin}, root {root}"


def _report(verdict: Verdict, *, as_json: bool) -> None:
    """Print what was found; BadInput with every problem where there is any."""
    if as_json:
        print_json(_as_json(verdict))
    if verdict.problems:
        raise BadInput(verdict.problems)
    if not as_json:
        click.echo("\n".join(_lines(verdict)))


def _as_json(verdict: Verdict) -> dict[str, object]:
    stamps = [
        {"size": one.size, "at": one.stamp.at.isoformat(), "authority_checked": one.stamp.checked}
        for one in verdict.stamps
    ]
    return {
        "size": verdict.size,
        "root": base64.b64encode(verdict.root).decode(),
        "erased": verdict.erased,
        "cosigned_by": dict(verdict.cosigned),
        "proofs": verdict.proofs,
        "timestamps": stamps,
        "keys": verdict.keys,
        "documents": verdict.documents,
        "problems": [one.as_json() for one in verdict.problems],
    }


def _lines(verdict: Verdict) -> list[str]:
    root = base64.b64encode(verdict.root).decode()
    witnesses = [f"{name} up to {size} entries" for name, size in verdict.cosigned.items()]
    lines = [
        f"Everything holds: {verdict.size} entries, root {root}.",
        f"Personal values that are erased or left out: {verdict.erased}.",
        f"Cosigned by: {', '.join(witnesses) or 'nobody'}.",
    ]
    if verdict.proofs:
        lines.append(f"{verdict.proofs} proofs hold.")
    if verdict.keys > 1:
        lines.append(f"The log has had {verdict.keys} keys; each hand-over is signed by both.")
    if verdict.documents:
        lines.append(f"{verdict.documents} documents are those that entries tell of.")
    return lines + _stamp_lines(verdict)


def _stamp_lines(verdict: Verdict) -> list[str]:
    lines = [f"Timestamp {one.stamp.at.isoformat()}: {one.size} entries." for one in verdict.stamps]
    if any(not one.stamp.checked for one in verdict.stamps):
        lines.append(
            "The timestamps are of these checkpoints, but who signed them was not checked; hand"
            " in the authority's certificate by --authority-certificate."
        )
    return lines
