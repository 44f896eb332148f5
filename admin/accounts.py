"""Accounts: signing in and out, setting a password, and the people of an organization."""

from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, flash, g, redirect, render_template, request, session, url_for

from huigong import clock
from huigong.access import allow_anyone, allow_signed_in
from huigong.refusals import Refused
from huigong.workflows import accounts as deeds

accounts = Blueprint("accounts", __name__, url_prefix="/admin")


@accounts.get("/sign-in")
@allow_anyone
def sign_in() -> Any:
    if g.user:
        return redirect(url_for("home.index"), 303)
    return render_template("admin/accounts/sign_in.html", form={}, errors={})


@accounts.post("/sign-in")
@allow_anyone
def sign_in_now() -> Any:
    form = request.form
    try:
        token = deeds.sign_in(
            login=form["login"].strip(), password=form["password"], at=clock.real_now()
        )
    except Refused as refused:
        page = render_template("admin/accounts/sign_in.html", form=form, errors=refused.by_field())
        return page, 422
    session.clear()  # a new id at sign-in: nothing of the visitor's cookie lives on
    session["token"] = token
    return redirect(_here_only(request.args.get("next", "")), 303)


def _here_only(address: str) -> str:
    """Where to go after signing in: only addresses of the office."""
    parts = urlsplit(address)
    if parts.scheme or parts.netloc or not parts.path.startswith("/admin/"):
        return url_for("home.index")
    return address if "\\" not in address else url_for("home.index")


@accounts.post("/sign-out")
@allow_signed_in
def sign_out() -> Any:
    deeds.sign_out(g.session, at=clock.real_now())
    session.clear()
    flash("已退出")
    return redirect(url_for("accounts.sign_in"), 303)


@accounts.get("/me")
@allow_signed_in
def me() -> Any:
    return render_template("admin/accounts/me.html", grants=g.grants)


@accounts.get("/password/<token>")
@allow_anyone
def password(token: str) -> Any:
    link = deeds.link_of(token, now=clock.real_now())
    return render_template("admin/accounts/password.html", link=link, errors={})


@accounts.post("/password/<token>")
@allow_anyone
def set_password(token: str) -> Any:
    form = request.form
    try:
        deeds.set_password(
            token=token, password=form["password"], again=form["again"], at=clock.real_now()
        )
    except Refused as refused:
        link = deeds.link_of(token, now=clock.real_now())
        errors = refused.by_field()
        return render_template("admin/accounts/password.html", link=link, errors=errors), 422
    flash("密码已设置，请登录")
    return redirect(url_for("accounts.sign_in"), 303)
