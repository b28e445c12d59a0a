"""A witness: someone outside who remembers the last tree and cosigns only what extends it."""

from __future__ import annotations

from pathlib import Path

from governance.audit.checkpoints import Checkpoint, cosign, open_checkpoint
from governance.audit.export import CHECKPOINT
from governance.audit.keys import read_or_make_seed, write_private
from governance.audit.merkle import consistency_proof
from governance.audit.notes import COSIGNATURE, SignerKey, VerifierKey
from governance.audit.tile_tree import TileReader
from governance.errors import InvalidNote

_KEY = "witness.key"
_SEEN = "last-cosigned"


def witness_key(state: Path, name: str) -> SignerKey:
    """The witness's own key, made the first time; `name` is a URL without scheme."""
    return SignerKey(name, read_or_make_seed(state / _KEY), COSIGNATURE)


def cosign_folder(folder: Path, log: VerifierKey, state: Path, name: str, at: int) -> Checkpoint:
    """Cosign the checkpoint of an exported folder and remember it in `state`.

    `at` is POSIX time in seconds. The cosignature is added to the folder's checkpoint.

    Raises InvalidNote where the log hasn't signed, shrank, or was rewritten; the state stays.
    """
    note = _text(folder / CHECKPOINT)
    new, seen = open_checkpoint(note, log), _seen(state, log)
    proof: tuple[bytes, ...] = ()
    if seen is not None and seen.size <= new.size:
        proof = consistency_proof(seen.size, new.size, TileReader(folder, new.size))
    cosigned = cosign(note, log, witness_key(state, name), at, seen=seen, proof=proof)
    write_private(state / _SEEN, cosigned.encode())
    (folder / CHECKPOINT).write_bytes(cosigned.encode())
    return new


def _seen(state: Path, log: VerifierKey) -> Checkpoint | None:
    path = state / _SEEN
    return open_checkpoint(_text(path), log) if path.exists() else None


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidNote(f"{path.name} can't be read: {error}") from None
