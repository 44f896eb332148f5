"""Building the public site: render all beside the old one, verify every link, then swap."""

import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterable
from datetime import date
from importlib.resources import files
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit
from xml.etree import ElementTree

from jinja2 import Environment, PackageLoader, StrictUndefined

from huigong.money import percent, yuan
from huigong.site.page import Page
from huigong.site.pages import pages

OFFICE = ("/admin/",)  # the one address that the app answers itself
ASSETS = ("site.css", "site.js", "calculator.js", "calculator-form.js")
MARK = ".huigong-site"  # in every build: only a folder that holds it is ever removed
_DAY = 24 * 3600
_LINK = re.compile(r'\s(?:href|src)="([^"]*)"')
# words in quotes stay as they are
_SPACED = re.compile(
    r"""("[^"]*"|`[^`]*`)|\s*(=>|[=!<>]=+|&&|\|\||\?\??|[-+*/:<>={}(),;|[\]])\s*"""
)
_ID = re.compile(r'\sid="([^"]*)"')


class BrokenSite(ValueError):
    """A site that may not be swapped in: the links or addresses that are wrong."""


def build(public: Path, *, as_of: date, demo: bool = False, origin: str = "") -> Path:
    """Build the site for a day into a new folder in `public` and point `public/current` at it.

    `origin` (https://…) is what sitemap.xml needs; without it there is none. Returns the new
    folder. Raises BrokenSite, or whatever went wrong, and leaves the old site serving.
    """
    return build_at(public / "current", as_of=as_of, demo=demo, origin=origin)


def build_at(target: Path, *, as_of: date, demo: bool = False, origin: str = "") -> Path:
    """Build beside `target` and swap it in as `target`."""
    target.parent.mkdir(parents=True, exist_ok=True)
    _clear_abandoned(target)
    making = Path(tempfile.mkdtemp(prefix=f".{target.name}-making-", dir=target.parent))
    try:
        making.chmod(0o755)
        _write_all(making, pages(as_of), as_of=as_of, demo=demo, origin=origin)
        verify(making)
        _sync(making)
        made = making.rename(target.parent / f"{target.name}.{making.name.rpartition('-')[2]}")
    except BaseException:
        shutil.rmtree(making, ignore_errors=True)
        raise
    return _swap(made, target)


def day_of(public: Path) -> date | None:
    """The day for which the site that is served was built; None where there is none."""
    try:
        return date.fromisoformat((public / "current" / MARK).read_text("utf-8").strip())
    except (OSError, ValueError):
        return None


def _write_all(root: Path, built: list[Page], *, as_of: date, demo: bool, origin: str) -> None:
    names = _write_assets(root)
    environment = _environment(names)
    environment.globals.update(as_of=as_of, demo=demo, assets=names)
    cities = [page.city for page in built if page.template == "site/city.html"]
    written = set()
    for page in built:
        if page.url in written:
            raise BrokenSite(f"两个页面用了同一个地址：{page.url}")
        written.add(page.url)
        html = environment.get_template(page.template).render(page=page, cities=cities, **page.data)
        _write(root, page.url, html)
    _write(root, f"/{MARK}", f"{as_of}\n")
    _write(root, "/robots.txt", _robots(origin))
    if origin:
        _write(root, "/sitemap.xml", _sitemap(origin, built))


def _environment(assets: dict[str, str]) -> Environment:
    environment = Environment(
        loader=PackageLoader("huigong", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        yuan=yuan, percent=percent, prose_day=_prose_day, map_link=map_link, telephone=telephone
    )
    return environment


def _prose_day(day: date | None) -> str:
    return f"{day.year}年{day.month}月{day.day}日" if day else "未注明"


def map_link(place: object) -> str:
    """A place in 高德地图: its GCJ-02 coordinates, or a search by name and address."""
    name, address = getattr(place, "name", ""), getattr(place, "address", "")
    longitude, latitude = getattr(place, "longitude", None), getattr(place, "latitude", None)
    if longitude is None or latitude is None:
        words = quote(" ".join(part for part in (address, name) if part))
        return f"https://uri.amap.com/search?keyword={words}&callnative=1"
    at = f"{longitude:.6f},{latitude:.6f}"
    return (
        f"https://uri.amap.com/marker?position={at}&name={quote(name)}"
        "&coordinate=gaode&callnative=1"
    )


def telephone(phone: str) -> str:
    """The digits a tel: link dials, area code kept; empty where there is no whole number."""
    digits = re.sub(r"[^\d]", "", phone)
    return digits if 5 <= len(digits) <= 12 else ""


def _write_assets(root: Path) -> dict[str, str]:
    """Styles and scripts under names that change with their content."""
    folder, names = files("huigong.site") / "static", dict[str, str]()
    for asset in ASSETS:
        stem, _, kind = asset.rpartition(".")
        text = slim(folder.joinpath(asset).read_text("utf-8"), kind)
        for known, url in names.items():  # what a script imports has a name of its own too
            text = text.replace(f'"./{known}"', f'"{url}"')
        digest = hashlib.sha256(text.encode()).hexdigest()[:8]
        names[asset] = f"/assets/{stem}.{digest}.{kind}"
        _write(root, names[asset], text)
    return names


def slim(text: str, kind: str = "css") -> str:
    """A style or script without indentation and whole-line comments, which only we read; a script
    also without the spaces around its signs (never two signs of one kind side by side: a + +b)."""
    lines = (line.strip() for line in text.splitlines())
    kept = (line for line in lines if line and not line.startswith("//"))
    if kind == "js":
        kept = (_SPACED.sub(lambda m: m[1] or m[2], line) for line in kept)
    return "\n".join(kept) + "\n"


def _write(root: Path, url: str, text: str) -> None:
    path = root / url.lstrip("/")
    if url.endswith("/"):
        path /= "index.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8", newline="\n")


def _robots(origin: str) -> str:
    lines = ["User-agent: *", "Disallow: /admin/", "Disallow: /claim-status"]
    return "\n".join(lines + ([f"Sitemap: {origin}/sitemap.xml"] if origin else [])) + "\n"


def _sitemap(origin: str, built: Iterable[Page]) -> str:
    root = ElementTree.Element("urlset", xmlns="http://www.sitemaps.org/schemas/sitemap/0.9")
    for page in built:
        if page.url == "/404.html":
            continue
        entry = ElementTree.SubElement(root, "url")
        ElementTree.SubElement(entry, "loc").text = origin.rstrip("/") + page.url
        if page.standing.updated_on:
            ElementTree.SubElement(entry, "lastmod").text = page.standing.updated_on.isoformat()
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, "unicode")


def verify(root: Path) -> None:
    """Every internal link of every page lands, fragments included. Raises BrokenSite."""
    found = {f"/{path.relative_to(root).as_posix()}" for path in root.rglob("*")
                   if path.is_file()}  # fmt: skip
    texts = {name: (root / name[1:]).read_text("utf-8")
             for name in found if name.endswith(".html")}  # fmt: skip
    ids = {name: set(_ID.findall(text)) for name, text in texts.items()}
    wrong = []
    for name, text in texts.items():
        for link in set(_LINK.findall(text)):
            parts = urlsplit(link.replace("&amp;", "&"))
            if parts.scheme or parts.netloc or parts.path in OFFICE:
                continue
            there = unquote(parts.path)
            target = f"{there}index.html" if there.endswith("/") else there or name
            fragment = unquote(parts.fragment)
            if target not in found or (fragment and fragment not in ids.get(target, ())):
                wrong.append(f"{name} → {link}")
    if wrong:
        raise BrokenSite("链接没有落点：" + "；".join(sorted(wrong)[:10]))


def _sync(root: Path) -> None:
    """Let every file reach the disk before anything points at it."""
    for path in root.rglob("*"):
        if path.is_file():
            with path.open("rb+") as file:
                os.fsync(file.fileno())


def _swap(made: Path, target: Path) -> Path:
    """Point `target` at the new folder in one step; where links are not to be had, by renames."""
    old = target.resolve() if target.is_symlink() else None
    if target.exists() and not target.is_symlink():
        return _rename_over(made, target)
    link = made.with_name(f".{made.name}.link")
    try:
        os.symlink(made.name, link, target_is_directory=True)
    except OSError:
        return _rename_over(made, target)
    os.replace(link, target)
    for other in target.parent.glob(f"{target.name}.*"):
        if (other / MARK).exists() and other.resolve() not in (made.resolve(), old):
            shutil.rmtree(other, ignore_errors=True)
    return made


def _rename_over(made: Path, target: Path) -> Path:
    """Without symbolic links: the old folder steps aside for a moment, then is removed."""
    aside = made.with_name(f".{made.name}.old")
    if target.exists():
        target.rename(aside)
    made.rename(target)
    shutil.rmtree(aside, ignore_errors=True)
    return target


def _clear_abandoned(target: Path) -> None:
    """Remove what a build that was killed left behind a day or more ago."""
    for left in target.parent.glob(f".{target.name}-making-*"):
        newest = target.parent.stat().st_mtime
        if newest - left.stat().st_mtime > _DAY:
            shutil.rmtree(left, ignore_errors=True)
