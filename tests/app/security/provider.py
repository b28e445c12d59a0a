"""Sign-in providers on this machine: a real one in a process of its own, and one that lies."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from joserfc import jwt
from joserfc.jwk import ECKey, Key
from webauthn.helpers import bytes_to_base64url

from tests.factories import NOW

CLIENT = "plumbline"
SECRET = "the client's secret"
_RUNNING = re.compile(r"running on (http://[\d.:]+)")


def new_key(name: str) -> ECKey:
    """A key for ES256."""
    return ECKey.generate_key("P-256", {"kid": name})


@dataclass
class Provider:
    """What it holds and how it answers; tests change its fields."""

    issuer: str
    now: datetime = NOW
    key: Key = field(default_factory=lambda: new_key("k1"))
    """What it signs with."""
    published: list[Key] = field(default_factory=list)
    """Keys in its key set; by default the one it signs with."""
    claims: dict[str, Any] = field(default_factory=dict)
    """What its tokens say in place of the truth; None leaves a claim out."""
    header: dict[str, Any] = field(default_factory=dict)
    description: dict[str, Any] = field(default_factory=dict)
    """What its description says in place of the truth."""
    user_info: dict[str, Any] = field(default_factory=dict)
    answers: dict[str, tuple[int, dict[str, str], bytes]] = field(default_factory=dict)
    """Status, headers and body by path, in place of the right answer."""
    asked: list[str] = field(default_factory=list)
    """The paths that were asked for."""
    forms: list[dict[str, str]] = field(default_factory=list)
    """What was sent to the token endpoint."""
    _codes: dict[str, tuple[str, str]] = field(default_factory=dict)

    def sign_in(self, address: str) -> tuple[str, str]:
        """What the browser brings back from the authorization address: state and code."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        assert address.startswith(f"{self.issuer}/authorize?")
        assert query["response_type"] == "code"
        assert query["code_challenge_method"] == "S256"
        assert query["client_id"] == CLIENT
        code = f"code-{len(self._codes)}"
        self._codes[code] = (query["code_challenge"], query["nonce"])
        return query["state"], code

    def answer(self, path: str, form: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body."""
        self.asked.append(path)
        if path in self.answers:
            return self.answers[path]
        match path:
            case "/.well-known/openid-configuration":
                return _json(200, self._described())
            case "/keys":
                keys = self.published or [self.key]
                return _json(200, {"keys": [key.as_dict(private=False) for key in keys]})
            case "/token":
                self.forms.append(form)
                return self._token(form)
            case "/userinfo":
                return _json(200, self.user_info)
        return 404, {}, b""

    def _described(self) -> dict[str, Any]:
        truth = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
        }
        return truth | self.description

    def _token(self, form: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        challenge, nonce = self._codes.pop(form.get("code", ""), ("", ""))
        verifier = form.get("code_verifier", "").encode()
        if bytes_to_base64url(sha256(verifier).digest()) != challenge:
            refusal = {"error": "invalid_grant", "error_description": "the code doesn't fit"}
            return _json(400, refusal)
        access = {"access_token": "a-1", "token_type": "Bearer"}
        return _json(200, access | {"id_token": self.id_token(nonce)})

    def id_token(self, nonce: str) -> str:
        """A signed token."""
        at = int(self.now.timestamp())
        truth = {
            "iss": self.issuer,
            "aud": CLIENT,
            "sub": "s-1",
            "iat": at,
            "exp": at + 300,
            "nonce": nonce,
            "email": "ada@example.org",
            "email_verified": True,
        }
        said = {name: value for name, value in (truth | self.claims).items() if value is not None}
        header = {"alg": "ES256", "kid": self.key.kid} | self.header
        return jwt.encode(header, said, self.key, algorithms=[header["alg"]])


def _json(status: int, document: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
    return status, {"Content-Type": "application/json"}, json.dumps(document).encode()


@contextmanager
def serving() -> Iterator[Provider]:
    """A provider that is reached over HTTP while the context lasts."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        provider = Provider(f"http://127.0.0.1:{server.server_address[1]}")
        server.provider = provider  # type: ignore[attr-defined] # The handler finds it here.
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield provider
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def provider_process() -> Iterator[str]:
    """The address of a provider that runs as a process while the context lasts."""
    command = [sys.executable, "-m", "oidc_provider_mock", "--port", "0", "--require-nonce"]
    environment = os.environ | {"NO_COLOR": "1"}
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, env=environment, text=True
    ) as process:
        assert process.stderr is not None
        started = next(filter(None, map(_RUNNING.search, process.stderr)))
        drain = threading.Thread(target=process.stderr.read)
        drain.start()
        try:
            yield started[1]
        finally:
            process.terminate()
            drain.join()


def tell_provider(issuer: str, subject: str, **claims: object) -> None:
    """Let the provider in the process have a person with these claims."""
    address = f"{issuer}/users/{subject}"
    httpx.put(address, json=claims, trust_env=False).raise_for_status()


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self._reply({})

    def do_POST(self) -> None:
        sent = self.rfile.read(int(self.headers["Content-Length"])).decode()
        form = {name: values[0] for name, values in parse_qs(sent).items()}
        self._reply(form | {"authorization": self.headers.get("Authorization", "")})

    def _reply(self, form: dict[str, str]) -> None:
        provider: Provider = self.server.provider  # type: ignore[attr-defined] # Put there above.
        status, headers, body = provider.answer(urlsplit(self.path).path, form)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            self.close_connection = True  # The client has read enough of it.

    def log_message(self, *_: object) -> None:
        """Say nothing."""
