"""`plumbline audit witness`: be a witness of logs, or ask one."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click
import uvicorn

from app.cli.audit_verify import FOLDER, key_option, policy_of, words
from app.cli.common import reports_problems
from app.cli.installation import installation
from app.witnessing import ask_witness, witness_app
from governance.audit.folder_check import log_keys
from governance.audit.notes import COSIGNATURE, parse_verifier_key
from governance.audit.witness import WitnessState, cosign_folder
from governance.errors import BadInput, Problem

_state_option = click.option(
    "--state",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the witness's key and memory.",
)
_name_option = click.option(
    "--name", required=True, help="The witness's name, a URL without scheme."
)


@click.group()
def witness() -> None:
    """Remember the last tree outside the operator's reach, and cosign only what extends it."""


@witness.command()
@click.argument("folder", type=FOLDER)
@_state_option
@_name_option
@key_option
@reports_problems
def cosign(folder: Path, state: Path, name: str, key: str | None) -> None:
    """Cosign the checkpoint of an exported FOLDER, if it extends the last one in --state.

    Run it where the log's operator has no access. The state holds the witness's own key.
    """
    log, kept = policy_of(folder, key).log, WitnessState(state, name)
    at = int(datetime.now(UTC).timestamp())
    cosigned = cosign_folder(folder, log_keys(folder, log), kept, at)
    click.echo(f"Cosigned: {words(cosigned)}")
    click.echo(f"Verifiers need this line in their policy:\nwitness {name} {kept.key.verifier}")


@witness.command()
@_state_option
@_name_option
@click.option("--log", "logs", multiple=True, required=True, help="Public key of a log to watch.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8010, show_default=True, type=click.IntRange(0, 65535))
@reports_problems
def serve(state: Path, name: str, logs: tuple[str, ...], host: str, port: int) -> None:
    """Serve a witness over HTTP (c2sp.org/tlog-witness), behind a proxy with https.

    Give both keys of a log that has changed its key.
    """
    kept = WitnessState(state, name)
    known = [parse_verifier_key(log) for log in logs]
    click.echo(f"The witness's public key is\n{kept.key.verifier}")
    uvicorn.run(
        witness_app(kept, known),
        host=host,
        port=port,
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
    )


@witness.command()
@click.argument("address")
@click.option("--witness-key", required=True, help="The witness's public key, as it was given.")
@reports_problems
def ask(address: str, witness_key: str) -> None:
    """Have the witness at ADDRESS cosign the latest checkpoint, and keep the cosignature."""
    key = parse_verifier_key(witness_key)
    if key.algorithm != COSIGNATURE:
        raise BadInput.one(Problem("this is no witness's key", found=key.name))
    with installation() as (engine, _):
        cosigned = ask_witness(engine, address, key)
    click.echo(f"Cosigned by {key.name}: {cosigned.size} entries")
