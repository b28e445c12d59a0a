"""The cookies of sessions, visitors and links."""

from __future__ import annotations

from dataclasses import replace

from litestar.datastructures import Cookie

from app.settings import Settings


def cookie_name(settings: Settings, purpose: str) -> str:
    """Name of a cookie; the prefix binds it to this very host."""
    prefix = "__Host-" if settings.secure_cookies else ""
    return f"{prefix}plumbline-{purpose}"


def own_cookie(settings: Settings, purpose: str, value: str) -> Cookie:
    """A cookie that scripts can't read and other sites can't send; gone with the browser."""
    return Cookie(
        key=cookie_name(settings, purpose),
        value=value,
        httponly=True,
        secure=settings.secure_cookies,
        samesite="lax",
        path="/",
    )


def forgotten_cookie(settings: Settings, purpose: str) -> Cookie:
    """Removes a cookie; browsers heed it for a `__Host-` name only with all its attributes."""
    return replace(own_cookie(settings, purpose, ""), max_age=0)
