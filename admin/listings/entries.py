"""Entries of every kind: the overview, a list, the form, publishing."""

from typing import Any, cast

from flask import abort, current_app, flash, g, redirect, render_template, request, url_for
from markupsafe import Markup
from peewee import ModelSelect

from huigong import clock
from huigong.access import find, scope, visible
from huigong.admin.listings import building, forms
from huigong.admin.lists import ordered, page_of
from huigong.models import Listing, Measure, Organization
from huigong.prose import render
from huigong.refusals import Refused
from huigong.workflows import listings as deeds
from huigong.workflows.listings.kinds import KINDS, Kind

DEEDS: dict[str, Any] = {
    "programs": deeds.save_program,
    "routes": deeds.save_route,
    "attractions": deeds.save_attraction,
    "stations": deeds.save_station,
    "notices": deeds.save_notice,
}


def index() -> Any:
    offices = [office.id for office in forms.offices()]
    counts = [
        (kind, mine.count(), mine.where(kind.model.published).count())
        for kind in KINDS
        for mine in [visible(kind.model).where(cast(Any, kind.model).organization << offices)]
    ]
    return render_template(
        "admin/listings/index.html",
        counts=counts,
        measures=visible(Measure).count(),
        built=building.last_built(),
        changes=building.changes_since_built(),
    )


def own(kind: Kind) -> ModelSelect:
    """The entries the signed-in user edits: inside the subtree, not those of the level above."""
    return visible(kind.model).where(_ours(kind))


def _ours(kind: Kind) -> Any:
    model: Any = kind.model
    return model.organization << [office.id for office in forms.offices()]


def table(kind: Kind) -> Any:
    model: Any = kind.model
    columns = {"name": model.pinyin, "updated": model.updated_on}
    usual = "-updated" if kind.word == "notices" else "name"
    seen = scope(model) & _ours(kind)
    page = page_of(
        model, ordered(model, columns, default=usual), filters=filters(kind), inside=seen
    )
    return render_template(
        "admin/listings/table.html",
        kind=kind,
        page=page,
        anything=own(kind).exists(),
        divisions=divisions(),
        kinds=kind_choices(kind),
    )


def filters(kind: Kind) -> list[Any]:
    """How the query string narrows the list: words, kind, division, published or not."""
    model: Any = kind.model
    asked, found = request.args, []
    for word in asked.get("q", "").split():
        says = model.name.contains(word) | model.summary.contains(word)
        if hasattr(model, "address"):
            says = says | model.address.contains(word)
        found.append(says)
    if asked.get("region"):
        found.append(model.region == asked["region"])
    if asked.get("kind") and hasattr(model, "kind"):
        found.append(model.kind == asked["kind"])
    if asked.get("published") in ("0", "1"):
        found.append(model.published == (asked["published"] == "1"))
    return found


def divisions() -> list[tuple[str, str]]:
    """The divisions of every city the user edits for, as choices."""
    cities = {deeds.city_of(office) for office in forms.offices()}
    names = [name for city in cities for name in deeds.divisions_of(city)]
    return [(name, name) for name in names]


def kind_choices(kind: Kind) -> list[tuple[str, str]]:
    field = kind.field("kind")
    return list(field.choices) if field else []


def mine(kind: Kind, id: int) -> Listing:
    """One entry the user edits, or 404."""
    row = find(kind.model, id)
    if not forms.is_mine(row):
        abort(404)
    return row


def new(kind: Kind) -> Any:
    return form_page(kind, None, forms.facts_of(kind, None), forms.rows_of(None))


def edit(kind: Kind, id: int) -> Any:
    row = mine(kind, id)
    return form_page(kind, row, forms.facts_of(kind, row), forms.rows_of(row))


def make(kind: Kind) -> Any:
    return keep(kind, None, forms.office_of(request.form))


def change(kind: Kind, id: int) -> Any:
    row = mine(kind, id)
    return keep(kind, row, row.organization)


def keep(kind: Kind, row: Listing | None, office: Organization) -> Any:
    """Save the form; or show it again with a row more or less, a preview, or what is wrong."""
    facts, rows = forms.typed_facts(kind, request.form), forms.typed_rows(request.form)
    then = request.form.get("then", "save")
    if then != "save":
        return form_page(kind, row, facts, forms.with_rows_changed(rows, then))
    example = row.example if row else current_app.config["SETTINGS"].is_demo
    more: dict[str, Any] = rows if kind.word == "routes" else {}
    try:
        saved = DEEDS[kind.word](
            row,
            organization=office,
            facts=facts,
            example=example,
            by=g.user,
            at=clock.now(),
            **more,
        )
    except Refused as refused:
        return form_page(kind, row, facts, rows, refused.by_field()), 422
    flash(f"已保存“{saved.name}”。" + ("" if saved.published else "它还没有发布，公众看不到。"))
    return redirect(url_for(f"listings.{kind.word}_edit", id=saved.id), 303)


def form_page(
    kind: Kind,
    row: Listing | None,
    facts: dict[str, str],
    rows: forms.Rows,
    errors: dict[str, str] | None = None,
) -> Any:
    then = request.form.get("then", "")
    preview = Markup(render(facts["body"])) if then == "preview" else None  # noqa: S704 nh3 cleaned it
    return render_template(
        "admin/listings/form.html",
        kind=kind,
        row=row,
        facts=facts,
        rows=rows,
        errors=errors or {},
        preview=preview,
        offices=forms.offices(),
        divisions=divisions(),
    )


def publication(kind: Kind, id: int) -> Any:
    return render_template("admin/listings/publication.html", kind=kind, row=mine(kind, id))


def set_publication(kind: Kind, id: int) -> Any:
    row = mine(kind, id)
    if request.form.get("to") == "published":
        deeds.publish(row, by=g.user, at=clock.now())
        flash(f"“{row.name}”已发布，下次生成公众网站后公众可见。")
    else:
        deeds.unpublish(row, by=g.user, at=clock.now())
        flash(f"“{row.name}”已撤下，下次生成公众网站后公众看不到。")
    return redirect(url_for(f"listings.{kind.word}_table"), 303)
