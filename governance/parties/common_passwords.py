"""Passwords that are tried first by whoever guesses; kept short, the long tail is for a service."""

from __future__ import annotations

_WORDS = (
    "password passwort kennwort motdepasse contrasena letmein welcome willkommen qwerty qwertz"
    " azerty asdfgh zxcvbn iloveyou monkey dragon football baseball sunshine princess superman"
    " batman starwars trustno1 master shadow michael jennifer charlie jordan computer internet"
    " secret admin administrator root user guest test demo login access changeme default summer"
    " winter spring autumn sommer herbst fruehling whatever freedom hello hallo google facebook"
    " samsung liverpool arsenal chelsea barcelona mustang corvette ferrari mercedes hannah jessica"
    " ashley daniel thomas robert andrew joshua matthew anthony nicole michelle plumbline invoice"
)
_TAILS = ("", "1", "12", "123", "1234", "12345", "123456", "!", "1!", "123!", "2023", "2024")
_TAILS_OF_YEARS = ("2025", "2026", "2027", "2025!", "2026!", "01", "007", "99")
_RUNS = (
    "12345678 123456789 1234567890 0123456789 87654321 987654321 11111111 00000000 22222222"
    " 66666666 77777777 88888888 99999999 12341234 11223344 112233445566 123123123 123454321"
    " 1q2w3e4r 1q2w3e4r5t 1qaz2wsx 1qazxsw2 qazwsxedc zaq12wsx qwertyuiop qwertzuiop asdfghjkl"
    " zxcvbnm1 q1w2e3r4 q1w2e3r4t5 qwer1234 asdf1234 abcd1234 abc12345 abcdefgh abcdefghi"
    " a1b2c3d4 aa123456 123456aa 1234qwer 1234abcd p@ssw0rd p@ssword passw0rd pa55word"
    " pa$$word pa$$w0rd p@ssw0rd1 p@ssw0rd! qwerty12 iloveyou2 correcthorsebatterystaple"
)


def _build() -> frozenset[str]:
    words = _WORDS.split()
    tails = _TAILS + _TAILS_OF_YEARS
    doubled = {word + word for word in words}
    return frozenset(word + tail for word in words for tail in tails) | doubled | set(_RUNS.split())


COMMON_PASSWORDS = _build()
"""In lower case; some 2,000."""
