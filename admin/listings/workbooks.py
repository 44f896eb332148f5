"""Entries in and out by workbook."""

import io
from pathlib import Path
from typing import Any
from urllib.parse import quote

from flask import Response, current_app, flash, g, redirect, render_template, request, url_for

from huigong import clock, sheets, uploads
from huigong.admin.listings import entries, forms
from huigong.models import Listing
from huigong.refusals import Refused
from huigong.workflows import listings as deeds
from huigong.workflows.listings.importing import SAMPLE
from huigong.workflows.listings.kinds import STATIONS, Field, Kind

_LARGEST = 5 * 1024 * 1024
_EXAMPLE = {
    "name": f"{SAMPLE}爱心驿站，导入时跳过本行",
    "address": "示例路1号",
    "entrance": "东门进，一楼大厅左侧",
    "hours": "周一至周五 09:00-17:30",
    "facilities": "饮水、微波炉、充电",
    "phone": "0371-00000000",
    "verified_on": "2024-12-01",
}


def export(kind: Kind) -> Any:
    """The list as filtered, as a workbook; stations come back in by the same columns."""
    choices = dict(entries.kind_choices(kind))
    columns = [column(field, ()) for field in kind.fields]
    columns += [sheets.Column("发布"), sheets.Column("更新日期", "date"), sheets.Column("示例")]
    model: Any = kind.model
    found: Any = entries.own(kind).where(*entries.filters(kind)).order_by(model.pinyin)
    rows = (exported(kind, row, choices) for row in found)
    book = io.BytesIO()
    sheets.write_workbook(book, columns, rows, sheet=kind.name)
    return workbook(book, f"{kind.name}{clock.today()}.xlsx")


def exported(kind: Kind, row: Listing, choices: dict[str, str]) -> list[Any]:
    said = forms.facts_of(kind, row)
    said["kind"] = choices.get(said.get("kind", ""), "")
    flags = ["已发布" if row.published else "未发布", row.updated_on, "示例" if row.example else ""]
    return [said[field.name] for field in kind.fields] + flags


def column(field: Field, divisions: tuple[str, ...]) -> sheets.Column:
    choices = tuple(words for _, words in field.choices) or (
        divisions if field.form == "region" else ()
    )
    width = 34 if field.form in ("area", "prose") or field.name in ("name", "address") else 16
    return sheets.Column(
        field.label, width=width, choices=choices, note=field.hint, required=field.required
    )


def stations_template() -> Any:
    places = tuple(name for name, _ in entries.divisions())
    example = _EXAMPLE | {"kind": "爱心驿站", "region": places[0] if places else ""}
    book = io.BytesIO()
    sheets.write_template(
        book,
        [column(field, places) for field in STATIONS.fields],
        title="服务站点导入表",
        notes=[
            "红色表头必填；同名站点会被更新，其余新增。",
            "全部正确才会导入，导入后仍需逐个发布。",
        ],
        example=[example.get(field.name, "") for field in STATIONS.fields],
    )
    return workbook(book, "服务站点导入模板.xlsx")


def workbook(book: io.BytesIO, name: str) -> Response:
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}"}
    return Response(book.getvalue(), mimetype=kind, headers=headers)


def stations_file() -> Any:
    return render_template("admin/listings/import.html", errors={}, offices=forms.offices())


def import_stations() -> Any:
    office, settings = forms.office_of(request.form), current_app.config["SETTINGS"]
    try:
        rows = read_upload(settings.files)
        done = deeds.import_stations(
            rows, organization=office, example=settings.is_demo, by=g.user, at=clock.now()
        )
    except Refused as refused:
        page = render_template(
            "admin/listings/import.html",
            errors=refused.by_field(),
            faults=refused.faults,
            offices=forms.offices(),
        )
        return page, 422
    flash(f"导入完成：新增 {done.added} 个，更新 {done.changed} 个，未变 {done.unchanged} 个。")
    return redirect(url_for("listings.stations_table", published="0"), 303)


def read_upload(folder: Path) -> list[Any]:
    """The rows of the uploaded workbook; the file itself is not kept."""
    upload = request.files.get("file")
    if upload is None or not upload.filename:
        raise Refused("file", "请选择填好的表格文件")
    kept = uploads.keep(folder, upload.stream, name=upload.filename, field="file", limit=_LARGEST)
    try:
        with uploads.open_kept(folder, kept.file) as file:
            return deeds.read_station_rows(file)
    finally:
        uploads.drop(folder, kept.file)
