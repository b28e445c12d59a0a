"""Seal what the application must read again, so that the database alone gives nothing away."""

from __future__ import annotations

import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from governance.errors import PlumblineError

_KEY_BYTES = 32
_NONCE_BYTES = 12
_VERSION = b"\x01"


class SealBroken(PlumblineError):
    """Sealed data was altered, or sealed with another secret or for another purpose."""


def seal(secret: bytes, purpose: str, data: bytes) -> bytes:
    """Encrypt `data` with AES-256-GCM under a key that serves this purpose only.

    The key comes from the installation's secret by HKDF; the nonce is random.
    """
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return _VERSION + nonce + _cipher(secret, purpose).encrypt(nonce, data, _VERSION)


def unseal(secret: bytes, purpose: str, sealed: bytes) -> bytes:
    """What was sealed; SealBroken where it was altered or the secret is another one."""
    nonce, body = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
    if sealed[:1] != _VERSION or len(nonce) != _NONCE_BYTES:
        raise SealBroken("this was not sealed by this application")
    try:
        return _cipher(secret, purpose).decrypt(nonce, body, _VERSION)
    except InvalidTag:
        raise SealBroken(
            "what was sealed can't be read: it was altered, or the secret key has changed"
        ) from None


def _cipher(secret: bytes, purpose: str) -> AESGCM:
    info = b"plumbline " + purpose.encode()
    return AESGCM(HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=None, info=info).derive(secret))
