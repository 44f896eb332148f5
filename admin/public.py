"""The public site's files as last built, and the scripts and styles both halves use."""

import importlib.resources
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, abort, current_app, redirect, render_template
from flask import send_from_directory as send_from
from werkzeug.exceptions import NotFound
from werkzeug.utils import safe_join

from huigong.access import allow_anyone

public = Blueprint("public", __name__)
_HERE = Path(__file__).parent
_LONGEST_NAME = 255  # bytes, of one file or folder


@public.get("/")
@public.get("/<path:path>")
@allow_anyone
def page(path: str = "") -> Any:
    """A page of the public site; its own 404 page where there is none."""
    built = current_app.config["SETTINGS"].public / "current"
    if path.startswith("admin/"):
        abort(404)
    if any(len(name.encode()) > _LONGEST_NAME for name in path.split("/")) or len(path) > 2000:
        return _absent(built)  # no file system of ours could even be asked for it
    target = safe_join(str(built), path)
    if target is not None and Path(target).is_dir():
        if path and not path.endswith("/"):
            return redirect(f"/{path}/", 301)
        path += "index.html"
    try:
        return send_from(built, path, max_age=300)
    except NotFound:
        return _absent(built)


def _absent(built: Path) -> Any:
    absent = built / "404.html"
    if absent.exists():
        return Response(absent.read_bytes(), 404, mimetype="text/html")
    return render_template("admin/errors/404.html"), 404


@public.get("/admin/static/<path:name>")
@allow_anyone
def office_asset(name: str) -> Any:
    """The office's stylesheet and script; htmx's comes out of its package."""
    if name == "htmx.js":
        script = importlib.resources.files("js_lib_htmx") / "static" / "htmx" / "htmx.min.js"
        caching = {"Cache-Control": "max-age=3600"}
        return Response(script.read_bytes(), mimetype="text/javascript", headers=caching)
    return send_from(_HERE / "static", name, max_age=300)
