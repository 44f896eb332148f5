"""Walking through a demonstration office in a browser, as one person after another."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from huigong.demo.staff import PASSWORD


class Walk:
    """One browser, one office; with or without scripts."""

    def __init__(self, browser, office, *, scripts: bool, downloads: Path):
        self.office, self.scripts, self.downloads = office, scripts, downloads
        self._browser = browser

    @contextmanager
    def signed_in(self, login: str) -> Iterator:
        """A page of somebody's own browser; nothing may fail in its console."""
        context = self._browser.new_context(
            java_script_enabled=self.scripts, base_url=self.office.url, accept_downloads=True
        )
        page = context.new_page()
        wrong: list[str] = []
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
        page.goto("/admin/sign-in")
        page.fill("#login", login)
        page.fill("#password", PASSWORD)
        page.click("main button")
        page.get_by_role("heading", name="您好").wait_for()
        yield page
        context.close()
        # A refused form answers 422 by design; Chromium notes it as a failed resource.
        assert not [text for text in wrong if "422" not in text], wrong

    def download(self, page, name: str) -> Path:
        with page.expect_download() as found:
            page.get_by_role("link", name=name).first.click()
        target = self.downloads / found.value.suggested_filename
        found.value.save_as(target)
        return target
