"""Signed notes of C2SP (c2sp.org/signed-note), with Ed25519 keys.

A note is text that ends in a newline, an empty line, and a line for each signature. A verifier
key is written `name+hash+base64`; signatures of unknown keys are ignored, a bad signature of a
known key makes the note worthless.
"""

from __future__ import annotations

import base64
import binascii
import struct
from collections.abc import Collection
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from governance.errors import InvalidNote

ED25519 = 1
"""Algorithm of a log's signature."""
COSIGNATURE = 4
"""Algorithm of a witness's timestamped signature (c2sp.org/tlog-cosignature)."""
_DASH = "— "
_KEY_BYTES = 32
_MAX_SIGNATURES = 100


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A name and the public key that signs for it."""

    name: str
    algorithm: int
    public: bytes

    @property
    def key_id(self) -> bytes:
        """The four bytes that stand before each of the key's signatures."""
        hashed = self.name.encode() + b"\n" + bytes([self.algorithm]) + self.public
        return sha256(hashed).digest()[:4]

    def __str__(self) -> str:
        material = base64.b64encode(bytes([self.algorithm]) + self.public).decode()
        return f"{self.name}+{self.key_id.hex()}+{material}"

    def verifies(self, text: str, signature: bytes) -> bool:
        """Whether the signature, without its key id, is this key's for the text."""
        message, signed = text.encode(), signature
        if self.algorithm == COSIGNATURE:
            if len(signature) != 72:
                return False
            message, signed = cosigned_message(text, timestamp_of(signature)), signature[8:]
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signed, message)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class SignerKey:
    """A name with the private key that signs for it."""

    name: str
    seed: bytes
    """The 32 bytes that an Ed25519 key is made from (RFC 8032)."""
    algorithm: int = ED25519

    @property
    def verifier(self) -> VerifierKey:
        """What others check this key's signatures with."""
        public = self._private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return VerifierKey(self.name, self.algorithm, public)

    @property
    def _private(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.seed)

    def signature_line(self, text: str, at: int = 0) -> str:
        """The line that signs the text; `at`, in seconds of POSIX time, counts in cosignatures."""
        if self.algorithm == COSIGNATURE:
            stamp = struct.pack(">Q", at)
            signature = stamp + self._private.sign(cosigned_message(text, at))
        else:
            signature = self._private.sign(text.encode())
        encoded = base64.b64encode(self.verifier.key_id + signature).decode()
        return f"{_DASH}{self.name} {encoded}\n"

    def sign(self, text: str) -> str:
        """The text as a note with this one signature; InvalidNote where it can't be one."""
        _check_text(text)
        return f"{text}\n{self.signature_line(text)}"


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature of a note."""

    name: str
    key_id: bytes
    value: bytes

    def is_of(self, key: VerifierKey) -> bool:
        """Whether it claims to be this key's."""
        return (self.name, self.key_id) == (key.name, key.key_id)


@dataclass(frozen=True, slots=True)
class Note:
    """A note taken apart; nothing is verified yet."""

    text: str
    signatures: tuple[Signature, ...]


def cosigned_message(text: str, at: int) -> bytes:
    """What a witness signs: that it has seen this checkpoint at that time."""
    return f"cosignature/v1\ntime {at}\n{text}".encode()


def timestamp_of(signature: bytes) -> int:
    """POSIX time of a cosignature, in seconds."""
    (stamp,) = struct.unpack(">Q", signature[:8])
    return int(stamp)


def parse_verifier_key(written: str) -> VerifierKey:
    """Read `name+hash+base64`; InvalidNote where anything of it is off."""
    name, _, rest = written.partition("+")
    hashed, _, encoded = rest.partition("+")
    material = strict_base64(encoded)
    if not is_name(name) or len(material) != 1 + _KEY_BYTES:
        raise InvalidNote("this is not a verifier key: name+hash+base64 with an Ed25519 key")
    if material[0] not in {ED25519, COSIGNATURE}:
        raise InvalidNote(f"the key of {name} has an unknown algorithm")
    key = VerifierKey(name, material[0], material[1:])
    if key.key_id.hex() != hashed:
        raise InvalidNote(f"the hash in the key of {name} is not the key's")
    return key


def parse_note(written: str) -> Note:
    """Take a note apart; InvalidNote where it is malformed."""
    text, separator, block = written.rpartition("\n\n")
    text += "\n"
    _check_text(text)
    if not separator or not block.endswith("\n"):
        raise InvalidNote("the note has no signatures, or is cut off")
    lines = block[:-1].split("\n")
    if len(lines) > _MAX_SIGNATURES:
        raise InvalidNote("the note has more signatures than a note may have")
    return Note(text, tuple(_parse_signature(line) for line in lines))


def _parse_signature(line: str) -> Signature:
    name, _, encoded = line.removeprefix(_DASH).partition(" ")
    material = strict_base64(encoded)
    if not line.startswith(_DASH) or not is_name(name) or len(material) < 5:
        raise InvalidNote("a signature line of the note is malformed")
    return Signature(name, material[:4], material[4:])


def open_note(written: str, keys: Collection[VerifierKey]) -> tuple[Note, tuple[VerifierKey, ...]]:
    """A note with the given keys that have signed it.

    Raises InvalidNote where the note is malformed, a signature of a given key is wrong, or none
    of the keys has signed.
    """
    note = parse_note(written)
    signed = []
    for signature in note.signatures:
        for key in keys:
            if signature.is_of(key) and key not in signed:
                _check_signature(note.text, signature, key)
                signed.append(key)
    if not signed:
        raise InvalidNote("the note is not signed by any key that is trusted")
    return note, tuple(signed)


def _check_signature(text: str, signature: Signature, key: VerifierKey) -> None:
    if not key.verifies(text, signature.value):
        raise InvalidNote(f"the signature of {key.name} is not for this text")


def strict_base64(encoded: str) -> bytes:
    """Bytes of canonical Base 64 (RFC 4648, section 4); InvalidNote for any other spelling."""
    try:
        data = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise InvalidNote("this is not Base 64") from None
    if base64.b64encode(data).decode() != encoded:
        raise InvalidNote("this is not Base 64 as it must be written")
    return data


def is_name(name: str) -> bool:
    """Whether a text can name a key: not empty, no space, no +."""
    return bool(name) and "+" not in name and not any(char.isspace() for char in name)


def _check_text(text: str) -> None:
    if not text.endswith("\n") or text == "\n":
        raise InvalidNote("the text of a note ends in a newline")
    if any(char < " " and char != "\n" for char in text):
        raise InvalidNote("the text of a note holds no control characters")
