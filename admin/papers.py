"""Kept papers handed to whoever may read them: opened in memory, always as a download, so that a
stranger's file never opens inside the office."""

import io

from flask import abort, current_app, send_file
from werkzeug.wrappers import Response

from huigong import uploads


def handed(file: str, name: str) -> Response:
    """A kept file under its owner's name for it; one that is gone is a 404."""
    try:
        content = uploads.read_kept(current_app.config["SETTINGS"].files, file)
    except FileNotFoundError:
        abort(404)
    return send_file(
        io.BytesIO(content), "application/octet-stream", as_attachment=True, download_name=name
    )
