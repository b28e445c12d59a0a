"""A witness: someone outside who remembers the last tree and cosigns only what extends it."""

from __future__ import annotations

import base64
import fcntl
import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from governance.audit.checkpoints import (
    Checkpoint,
    LogKeys,
    cosign,
    open_checkpoint,
    parse_checkpoint,
)
from governance.audit.export import CHECKPOINT
from governance.audit.keys import read_or_make_seed, write_private
from governance.audit.merkle import EMPTY_ROOT, HASH_BYTES, consistency_proof, verify_consistency
from governance.audit.notes import (
    COSIGNATURE,
    SignerKey,
    VerifierKey,
    is_name,
    open_note,
    parse_note,
    strict_base64,
)
from governance.audit.tile_tree import TileReader
from governance.errors import Conflict, InvalidNote

SIZE_TYPE = "text/x.tlog.size"
"""Media type of the size that a witness answers where the client's old size is another."""
_MOST_HASHES = 63
_OLD = re.compile(r"old (0|[1-9][0-9]{0,18})")


@dataclass(frozen=True, slots=True)
class WitnessState:
    """A witness's folder: its own key, and the last checkpoint of each log that it cosigned."""

    folder: Path
    name: str
    """The witness's name, a URL without scheme."""

    @property
    def key(self) -> SignerKey:
        """The witness's own key, made the first time; InvalidNote where its name can be none."""
        if not is_name(self.name):
            raise InvalidNote("a witness's name is a URL without scheme: no space and no +")
        return SignerKey(self.name, read_or_make_seed(self.folder / "witness.key"), COSIGNATURE)

    def _path(self, origin: str) -> Path:
        return self.folder / f"last-cosigned-{sha256(origin.encode()).hexdigest()[:16]}"

    def seen(self, origin: str) -> Checkpoint | None:
        """The last checkpoint of the log that was cosigned; None where there was none.

        Raises Conflict where what is kept isn't signed with the witness's own key.
        """
        path = self._path(origin)
        if not path.exists():
            return None
        try:
            opened, _ = open_note(_text(path), [self.key.verifier])
            return parse_checkpoint(opened.text)
        except InvalidNote as error:
            raise Conflict(f"{path.name} is not what this witness has signed: {error}") from None

    def keep(self, origin: str, cosigned: str) -> None:
        """Remember a checkpoint that was cosigned."""
        write_private(self._path(origin), cosigned.encode())

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Checking and remembering must be one step, also between processes."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self.folder / "lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def cosign_folder(
    folder: Path, log: VerifierKey | LogKeys, state: WitnessState, at: int
) -> Checkpoint:
    """Cosign the checkpoint of an exported folder and remember it in the witness's state.

    `at` is POSIX time in seconds. The cosignature is added to the folder's checkpoint.

    Raises InvalidNote where the log hasn't signed, shrank, or was rewritten; the state stays.
    """
    if not (folder / "tile").exists():
        raise InvalidNote("only the export of a whole log can be cosigned, not an engagement's")
    note = _text(folder / CHECKPOINT)
    new = open_checkpoint(note, log)
    with state.lock():
        seen = state.seen(new.origin)
        proof: tuple[bytes, ...] = ()
        if seen is not None and seen.size <= new.size:
            proof = consistency_proof(seen.size, new.size, TileReader(folder, new.size))
        cosigned = cosign(note, log, state.key, at, seen=seen, proof=proof)
        state.keep(new.origin, cosigned)
    (folder / CHECKPOINT).write_bytes(cosigned.encode())
    return new


@dataclass(frozen=True, slots=True)
class Submission:
    """What a log hands to a witness (c2sp.org/tlog-witness, add-checkpoint)."""

    old: int
    """Entries in the last tree that the witness has cosigned, as the log knows."""
    proof: tuple[bytes, ...]
    note: str

    @property
    def text(self) -> str:
        """The body of the request."""
        lines = [f"old {self.old}", *(_base64(one) for one in self.proof)]
        return "\n".join([*lines, "", self.note])


def parse_submission(text: str) -> Submission:
    """Read the body of a request; InvalidNote where it is malformed."""
    head, separator, note = text.partition("\n\n")
    first, *lines = head.split("\n")
    old = _OLD.fullmatch(first)
    proof = tuple(strict_base64(line) for line in lines)
    if not separator or old is None or len(proof) > _MOST_HASHES:
        raise InvalidNote("this is no old size, consistency proof and checkpoint")
    if any(len(one) != HASH_BYTES for one in proof):
        raise InvalidNote("a hash of the consistency proof has another length")
    parse_note(note)
    return Submission(int(old[1]), proof, note)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a witness answers, as the protocol says it in terms of HTTP."""

    status: int
    body: str
    media_type: str = "text/plain; charset=utf-8"


def add_checkpoint(
    state: WitnessState, logs: Collection[VerifierKey], body: bytes, at: int
) -> Answer:
    """Cosign a submitted checkpoint of one of the logs, if it extends the last one.

    `at` is POSIX time in seconds. The statuses are those of c2sp.org/tlog-witness.
    """
    try:
        submission = parse_submission(body.decode())
        new = parse_checkpoint(parse_note(submission.note).text)
    except (InvalidNote, UnicodeDecodeError) as error:
        return Answer(400, f"{error}\n")
    keys = [key for key in logs if key.name == new.origin]
    if not keys:
        return Answer(404, "this witness doesn't know the log\n")
    try:
        open_note(submission.note, keys)
    except InvalidNote as error:
        return Answer(403, f"{error}\n")
    if submission.old > new.size:
        return Answer(400, "the old size is larger than the checkpoint's\n")
    with state.lock():
        return _cosigned(state, submission, new, at)


def _cosigned(state: WitnessState, submission: Submission, new: Checkpoint, at: int) -> Answer:
    seen = state.seen(new.origin) or Checkpoint(new.origin, 0, EMPTY_ROOT)
    rewritten = new.size == seen.size and new.root != seen.root
    if submission.old != seen.size or rewritten:
        return Answer(409, f"{seen.size}\n", SIZE_TYPE)
    if not verify_consistency(seen.size, new.size, submission.proof, seen.root, new.root):
        return Answer(422, "the consistency proof doesn't hold\n")
    line = state.key.signature_line(new.text, at)
    state.keep(new.origin, submission.note + line)
    return Answer(200, line)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidNote(f"{path.name} can't be read: {error}") from None
