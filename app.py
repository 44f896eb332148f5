"""Composition: settings, database, blueprints, headers, filters. Nothing is decided here."""

from __future__ import annotations

import gc
import secrets
from datetime import date, datetime
from typing import Any

from flask import (
    Flask,
    Response,
    abort,
    current_app,
    g,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask_wtf.csrf import CSRFError, CSRFProtect
from htmx_flask import Htmx
from jinja2 import StrictUndefined
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from huigong import access, clock, database, identity, money, uploads, vault
from huigong.admin import BLUEPRINTS, lists, one_time
from huigong.admin.public import public
from huigong.config import Settings
from huigong.refusals import Lost, Refused
from huigong.workflows import accounts

SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
MOST_REQUEST_BYTES = 40 * 1024 * 1024


def make_app(settings: Settings) -> Flask:
    """The whole application over an office that is already open."""
    app = Flask("huigong", template_folder="templates", static_folder=None)
    _configure(app, settings)
    app.htmx = Htmx(app)  # type: ignore[attr-defined]  # where htmx-flask itself looks for it
    CSRFProtect(app)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    app.register_blueprint(public)
    app.before_request(_begin)
    app.before_request(_same_site_only)
    app.before_request(_readable_text_only)
    app.before_request(access.enforce)
    app.before_request(one_time.replay)
    app.after_request(one_time.remember)
    app.after_request(_headers)
    app.teardown_request(_end)
    _words(app)
    _error_pages(app)
    app.extensions["huigong_rules"] = access.registry(app)
    return app


def keep_for_good() -> None:
    """Tell the collector that what was made so far is never garbage: looking through all of it
    again now and then makes one request in some hundreds wait for tens of milliseconds."""
    gc.collect()
    gc.freeze()


def _configure(app: Flask, settings: Settings) -> None:
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.config.update(
        SETTINGS=settings,
        SECRET_KEY=vault.current().cookie_key,
        SESSION_COOKIE_NAME="__Host-huigong" if settings.production else "huigong",
        SESSION_COOKIE_SECURE=settings.production,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        MAX_CONTENT_LENGTH=MOST_REQUEST_BYTES,
        WTF_CSRF_TIME_LIMIT=None,  # as long as the server-side session
        WTF_CSRF_SSL_STRICT=settings.production,
    )
    if settings.proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=settings.proxies, x_proto=1, x_host=1)  # type: ignore[method-assign]


def _begin() -> None:
    g.app_rules = current_app.extensions["huigong_rules"]
    database.db.connect(reuse_if_open=True)
    if request.method in ("GET", "HEAD"):
        database.expect_few_rows()
    g.session = accounts.session_of(session.get("token", ""), now=clock.real_now())
    g.user = g.session.user if g.session else None
    g.grants = accounts.grants_of(g.user) if g.user else []


def _same_site_only() -> Response | None:
    """Fetch-Metadata: another site's page may not send a form here, whatever its token."""
    if request.method not in ("GET", "HEAD", "OPTIONS"):
        site = request.headers.get("Sec-Fetch-Site", "same-origin")
        if site not in ("same-origin", "none"):
            return Response("跨站请求已拒绝", 403)
    return None


def _readable_text_only() -> None:
    """No text of ours holds a NUL, and PostgreSQL cannot keep one."""
    if any("\0" in text for text in (request.path, *request.args.values())):
        abort(400)
    if any("\0" in text for texts in request.form.listvalues() for text in texts):
        abort(400)


def _headers(response: Response) -> Response:
    for name, value in SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
    if g.get("user") is not None:
        response.headers.setdefault("Cache-Control", "no-store")
    if current_app.config["SETTINGS"].production:
        response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    return response


def _end(_failure: BaseException | None) -> None:
    if not database.db.is_closed():
        database.db.close()


def _words(app: Flask) -> None:
    """What every template may say."""
    app.jinja_env.filters.update(
        yuan=money.yuan,
        plain=money.plain,
        percent=money.percent,
        capitals=money.capitals,
        ten_thousands=money.ten_thousands,
        prose_day=prose_day,
        mask_name=identity.mask_name,
        mask_id=identity.mask_id,
        mask_phone=identity.mask_mobile,
        mask_card=identity.mask_bank_card,
    )

    @app.context_processor
    def _office() -> dict[str, Any]:
        settings: Settings = app.config["SETTINGS"]
        return {
            "menu": access.menu(app.extensions["huigong_rules"]) if g.get("user") else [],
            "user": g.get("user"),
            "holds": access.holds,
            "Role": access.Role,
            "ROLE_NAMES": access.ROLE_NAMES,
            "today": clock.today(),
            "here": lists.here,
            "leaf": lists.leaf,
            "is_demo": settings.is_demo,
            "form_key": lambda: secrets.token_urlsafe(16),
        }


def prose_day(day: date | datetime | None) -> str:
    """2023年7月1日, as prose writes a day."""
    return f"{day.year}年{day.month}月{day.day}日" if day else "—"


def _error_pages(app: Flask) -> None:
    @app.errorhandler(401)
    def _sign_in_first(_error: HTTPException) -> Any:
        there = request.full_path.rstrip("?") if request.method == "GET" else None
        sign_in = url_for("accounts.sign_in", next=there)
        if request.headers.get("HX-Request"):  # a piece of a page must not become a sign-in page
            return Response(status=401, headers={"HX-Redirect": sign_in})
        return redirect(sign_in, 303)

    @app.errorhandler(CSRFError)
    def _stale_form(_error: CSRFError) -> Any:
        return render_template("admin/errors/stale.html"), 400

    @app.errorhandler(Lost)
    def _lost_race(_error: Lost) -> Any:
        return render_template("admin/errors/409.html", back=one_time.asked_at()), 409

    @app.errorhandler(Refused)
    def _stopped(refused: Refused) -> Any:  # by a damaged scheme: forms show their own refusals
        app.logger.warning("refused without a form: %s", refused)
        return render_template("admin/errors/stopped.html", message=str(refused)), 409

    @app.errorhandler(uploads.Unreadable)
    def _lost_paper(lost: uploads.Unreadable) -> Any:
        gone = isinstance(lost, uploads.Missing)
        app.logger.error("a kept file is %s: %s", "gone" if gone else "damaged", lost)
        return render_template("admin/errors/paper.html", gone=gone), 404 if gone else 409

    @app.errorhandler(HTTPException)
    def _plain_error(error: HTTPException) -> Any:
        if error.code is None or error.code < 400:
            return error
        known = {400, 403, 404, 405, 409, 413}
        page = f"admin/errors/{error.code}.html" if error.code in known else "admin/errors/500.html"
        return render_template(page), error.code
