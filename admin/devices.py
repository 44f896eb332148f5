"""Browsers that somebody signed in from before: colleagues behind the same address who are wrong,
or whoever guesses there, do not make them wait."""

from datetime import timedelta
from typing import Final

from flask import current_app, request
from itsdangerous import BadData, URLSafeTimedSerializer
from werkzeug.wrappers import Response

from huigong import vault

LASTS: Final = timedelta(days=180)
_MOST: Final = 8  # people at one computer


def is_known(login: str) -> bool:
    """Whether this browser says, in our hand, that `login` signed in from it before."""
    return _index(login) in _logins()


def remember(response: Response, login: str) -> Response:
    """Have the browser say so from now on."""
    logins = [_index(login), *(known for known in _logins() if known != _index(login))]
    secure = current_app.config["SESSION_COOKIE_SECURE"]
    response.set_cookie(
        _name(), _hand().dumps(logins[:_MOST]), max_age=LASTS,
        secure=secure, httponly=True, samesite="Lax",
    )  # fmt: skip
    return response


def _logins() -> list[str]:
    try:
        said = _hand().loads(request.cookies.get(_name(), ""), max_age=int(LASTS.total_seconds()))
    except BadData:
        return []
    return list(said)


def _name() -> str:
    return f"{current_app.config['SESSION_COOKIE_NAME']}-device"


def _hand() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(vault.current().cookie_key, salt="known device")


def _index(login: str) -> str:
    return vault.current().index(login.lower(), kind="device")
