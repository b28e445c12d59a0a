"""Requests to an address the operator has set: no redirects, little patience, small answers."""

from __future__ import annotations

from urllib.parse import urlsplit

import httpx

from app.settings import is_loopback
from governance.errors import PlumblineError

MOST_BYTES = 256 * 1024
"""What an answer may hold; documents of sign-in providers have a few thousand."""
_SECONDS = 10.0
_PLAIN = frozenset({"", "identity"})


class ProviderTrouble(PlumblineError):
    """The single sign-on provider can't be reached, or its answer can't be used or trusted."""


def is_fit_address(address: object, *, production: bool) -> bool:
    """Whether requests may go to an address: https, or this machine in development."""
    if not isinstance(address, str):
        return False
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
    except ValueError:
        return False
    if not host or parts.username is not None or parts.fragment:
        return False
    return parts.scheme == "https" or (
        parts.scheme == "http" and not production and is_loopback(host)
    )


class Guarded(httpx.BaseTransport):
    """Lets only requests to fit addresses out, and only small plain answers with data in."""

    def __init__(self, *, production: bool) -> None:
        self._inner = httpx.HTTPTransport()
        self._production = production

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """One request and its whole answer; ProviderTrouble where either isn't as it must be."""
        if not is_fit_address(str(request.url), production=self._production):
            raise ProviderTrouble(f"{request.url.host} must be reached by https")
        response = self._inner.handle_request(request)
        try:
            return _whole(response)
        finally:
            response.close()

    def close(self) -> None:
        """Close the connections."""
        self._inner.close()


def outbound_client(*, production: bool) -> httpx.Client:
    """A client for such requests; it follows no redirects and asks nothing of the environment."""
    return httpx.Client(
        transport=Guarded(production=production),
        timeout=_SECONDS,
        follow_redirects=False,
        trust_env=False,
        headers={"Accept": "application/json", "Accept-Encoding": "identity"},
    )


def _whole(response: httpx.Response) -> httpx.Response:
    if response.headers.get("Content-Encoding", "").lower() not in _PLAIN:
        raise ProviderTrouble("the provider packs its answer, though it was asked not to")
    taken = bytearray()
    for chunk in response.iter_raw():
        taken += chunk
        if len(taken) > MOST_BYTES:
            raise ProviderTrouble(f"the provider's answer has more than {MOST_BYTES} bytes")
    kept = {"Content-Type": response.headers.get("Content-Type", "")}
    return httpx.Response(response.status_code, headers=kept, content=bytes(taken))
