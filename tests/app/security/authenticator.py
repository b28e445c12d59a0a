"""A passkey in software: answers a site's questions as a browser and its device would."""

from __future__ import annotations

import json
import secrets
import struct
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.hashes import SHA256
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url, encode_cbor

_PRESENT, _VERIFIED, _WITH_KEY = 0x01, 0x04, 0x40


@dataclass
class Authenticator:
    """One passkey, which answers whatever it is asked, rightly or wrongly."""

    origin: str
    verifies: bool = True
    """Whether it checks fingerprint, face or PIN."""
    counter: int = 0
    key: EllipticCurvePrivateKey = field(default_factory=lambda: generate_private_key(SECP256R1()))
    credential_id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    user_handle: bytes = b""

    def make(self, options: str) -> str:
        """Answer the question for a new passkey."""
        asked = json.loads(options)
        self.user_handle = base64url_to_bytes(asked["user"]["id"])
        data = self._data(asked["rp"]["id"], _WITH_KEY) + self._credential()
        statement = encode_cbor({"fmt": "none", "attStmt": {}, "authData": data})
        client = self._client("webauthn.create", asked["challenge"])
        return self._answer(client, {"attestationObject": bytes_to_base64url(statement)})

    def show(self, options: str, *, challenge: str = "") -> str:
        """Answer the question for a known passkey, or another challenge in its place."""
        asked = json.loads(options)
        self.counter += 1
        data = self._data(asked["rpId"], 0)
        client = self._client("webauthn.get", challenge or asked["challenge"])
        signature = self.key.sign(data + sha256(client).digest(), ECDSA(SHA256()))
        response = {
            "authenticatorData": bytes_to_base64url(data),
            "signature": bytes_to_base64url(signature),
            "userHandle": bytes_to_base64url(self.user_handle) if self.user_handle else None,
        }
        return self._answer(client, response)

    def _client(self, kind: str, challenge: str) -> bytes:
        content = {"type": kind, "challenge": challenge, "origin": self.origin}
        return json.dumps(content | {"crossOrigin": False}).encode()

    def _data(self, party: str, flags: int) -> bytes:
        flags |= _PRESENT | (_VERIFIED if self.verifies else 0)
        return sha256(party.encode()).digest() + struct.pack(">BI", flags, self.counter)

    def _credential(self) -> bytes:
        numbers = self.key.public_key().public_numbers()
        point = (number.to_bytes(32, "big") for number in (numbers.x, numbers.y))
        key = encode_cbor({1: 2, 3: -7, -1: 1, **dict(zip((-2, -3), point, strict=True))})
        return bytes(16) + struct.pack(">H", len(self.credential_id)) + self.credential_id + key

    def _answer(self, client: bytes, response: dict[str, Any]) -> str:
        name = bytes_to_base64url(self.credential_id)
        response |= {"clientDataJSON": bytes_to_base64url(client)}
        return json.dumps({"id": name, "rawId": name, "type": "public-key", "response": response})
