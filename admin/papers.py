"""Kept papers handed to whoever may read them: opened in memory, always as a download, so that a
stranger's file never opens inside the office."""

from flask import current_app, send_file
from werkzeug.wrappers import Response

from huigong import uploads


def handed(file: str, name: str) -> Response:
    """A kept file under its owner's name for it, opened whole: whoever logs its reading does so
    once this has returned. Raises Unreadable, for which there is a page."""
    content = uploads.open_kept(current_app.config["SETTINGS"].files, file)
    return send_file(content, "application/octet-stream", as_attachment=True, download_name=name)
