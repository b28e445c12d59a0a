"""The log's key and its last checkpoint, kept in files outside the database.

Who holds the database alone can then neither sign for the log nor bring an old state back
unnoticed.
"""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from governance.audit.checkpoints import Checkpoint, open_checkpoint
from governance.audit.notes import SignerKey, VerifierKey, parse_note
from governance.errors import Conflict, InvalidNote

_SEED_BYTES = 32


@dataclass(frozen=True, slots=True)
class KeyFolder:
    """The folder of an installation's key files."""

    folder: Path
    origin: str
    """Name of a new log, which its key signs for; an existing log keeps its own."""

    @property
    def _seed(self) -> Path:
        return self.folder / "log.key"

    @property
    def _next(self) -> Path:
        return self.folder / "log.key.next"

    @property
    def _held(self) -> Path:
        return self.folder / "last-checkpoint"

    def signer(self) -> SignerKey:
        """The log's key, made the first time; Conflict where its file is damaged."""
        name = self.folder / "log.origin"
        if not name.exists():
            write_private(name, f"{self.origin}\n".encode(), new=True)
        return self._signer(self._seed)

    def _signer(self, seed: Path) -> SignerKey:
        name = (self.folder / "log.origin").read_text(encoding="utf-8").strip()
        return SignerKey(name, read_or_make_seed(seed))

    def public(self) -> VerifierKey | None:
        """The log's public key; None before the log has one."""
        known = self._seed.exists() and (self.folder / "log.origin").exists()
        return self.signer().verifier if known else None

    def successor(self) -> SignerKey:
        """The key that is to follow, made the first time; it waits beside the log's key."""
        self.signer()  # The log must have its own key and name first.
        return self._signer(self._next)

    def adopt_successor(self, note: str) -> None:
        """Let the successor become the log's key, if it has signed the last checkpoint.

        The old key is gone then. Nothing happens without a successor, so whoever finds that a
        change of the key was cut off may call this at any time.
        """
        if not self._next.exists():
            return
        successor = self._signer(self._next).verifier
        if any(one.is_of(successor) for one in parse_note(note).signatures):
            write_private(self._held, note.encode())
            self._next.replace(self._seed)

    def held(self) -> Checkpoint | None:
        """The last checkpoint that was signed here; None before the first."""
        if not self._held.exists():
            return None
        try:
            note = self._held.read_text(encoding="utf-8")
            return open_checkpoint(note, self.signer().verifier)
        except (InvalidNote, UnicodeDecodeError) as error:
            raise Conflict(f"{self._held.name} is not signed with the log's key: {error}") from None

    def hold(self, note: str, checkpoint: Checkpoint) -> None:
        """Keep a signed checkpoint unless a larger one is kept already."""
        held = self.held()
        if held is None or held.size < checkpoint.size:
            write_private(self._held, note.encode())


def read_or_make_seed(path: Path) -> bytes:
    """The 32 secret bytes in a file that only its owner may read; made where there are none."""
    if not path.exists():
        write_private(path, secrets.token_bytes(_SEED_BYTES).hex().encode() + b"\n", new=True)
    try:
        seed = bytes.fromhex(path.read_text(encoding="ascii"))
    except ValueError:
        seed = b""
    if len(seed) != _SEED_BYTES:
        raise Conflict(f"{path.name} is no key: it holds 32 bytes in hexadecimal")
    return seed


def write_private(path: Path, data: bytes, *, new: bool = False) -> None:
    """Write a file whole or not at all, for its owner alone; a `new` one replaces none."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    try:
        if new:
            path.hardlink_to(draft)
            draft.unlink()
        else:
            draft.replace(path)
    except FileExistsError:
        draft.unlink()
