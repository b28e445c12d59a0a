"""Requests that lead elsewhere before they are answered, and programs that are turned away."""

from __future__ import annotations

from urllib.parse import quote

from litestar.exceptions import TooManyRequestsException

CONFIRM_PATH = "/confirm"


class Detour(Exception):
    """The person goes to another page first."""

    def __init__(self, path: str) -> None:
        self.path = path
        super().__init__(path)


class TokenRefused(Exception):
    """The request's API token is unknown, expired, revoked, or not meant for this."""

    def __init__(self, status: int, detail: str) -> None:
        self.status, self.detail = status, detail
        super().__init__(detail)


def to_confirmation(next_path: str) -> Detour:
    """To the page that asks the person to show anew who they are, and from there on."""
    return Detour(f"{CONFIRM_PATH}?next={quote(next_path, safe='/')}")


def too_often(seconds: int) -> TooManyRequestsException:
    """The answer to who tries too often: how many seconds to wait."""
    return TooManyRequestsException(headers={"RateLimit-Reset": str(max(1, seconds))})
