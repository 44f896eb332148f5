"""Certificates of cover: the address that a QR code carries, the paper, and whether one holds."""

import hmac
import io
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

import segno

from huigong import identity, vault
from huigong.models import Enrollment, Member
from huigong.money import yuan
from huigong.plans.vocabulary import SILENT
from huigong.workflows import funding, gifts

# Where systems keep a font with Chinese, with the face inside a collection. Debian: fonts-noto-cjk.
FONTS: Final = (
    ("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc", 2),
    ("/usr/share/fonts/noto-cjk/NotoSansCJK-Regular.ttc", 2),
    ("/usr/share/fonts/truetype/wqy/wqy-microhei.ttc", 0),
    ("C:/Windows/Fonts/msyh.ttc", 0),
    ("C:/Windows/Fonts/simsun.ttc", 0),
    ("/System/Library/Fonts/Supplemental/Songti.ttc", 0),
)
_LONGEST: Final = 40  # characters of a certificate number


class Checked(NamedTuple):
    """Whether a certificate holds on a day, and the first and last day it names."""

    valid: bool
    cover_from: date
    cover_to: date


def token_of(certificate: str) -> str:
    """The signature in a certificate's QR code: it cannot be made without the office's key."""
    return vault.current().index(certificate, kind="certificate")


def check(certificate: str, *, on: date, tail: str = "", token: str = "") -> Checked | None:
    """Whether a certificate holds, for who knows its number and the last four of the member's ID
    or has its QR code; None alike for an unknown number and a wrong proof."""
    if len(certificate) > _LONGEST:
        return None
    query = Enrollment.counted().where(Enrollment.certificate == certificate)
    if token:
        if not hmac.compare_digest(token.encode(), token_of(certificate).encode()):
            return None
    else:
        query = query.join(Member).where(Member.tail_index == Member.index_of_tail(tail))
    cover = query.first()
    return Checked(holds(cover, on), cover.cover_from, cover.cover_to) if cover else None


def holds(cover: Enrollment, on: date) -> bool:
    """Whether a cover that counts is in force on a day, or will be once it starts."""
    left = cover.left_on is not None and cover.left_on < on
    return not left and funding.in_force_on(cover, max(on, cover.cover_from))


def qr_svg(address: str) -> str:
    """A QR code as an SVG picture."""
    svg: str = segno.make(address, error="m").svg_inline(scale=4, border=2)
    return svg.replace("<svg ", '<svg role="img" aria-label="核验二维码" ', 1)


@cache
def font() -> tuple[str, int] | None:
    """A font of this machine that has Chinese, or None: then there is the page to print."""
    return next(((file, face) for file, face in FONTS if Path(file).is_file()), None)


def pdf_of(cover: Enrollment, *, words: str, address: str, on: date, mark: str = "") -> bytes:
    """A certificate as an A4 sheet with its QR code, `mark` above it. Needs `font()`."""
    chosen = font()
    if chosen is None:
        raise ValueError("no font on this machine has Chinese")
    from fpdf import FPDF  # here, because it takes half a second to load

    sheet: Any = FPDF(format="A4")
    sheet.set_title(f"参保凭证 {cover.certificate}")
    sheet.set_lang("zh-CN")
    sheet.add_font("cjk", "", chosen[0], collection_font_number=chosen[1])
    sheet.set_margins(25, 30, 25)
    sheet.add_page()
    if mark:
        sheet.set_font("cjk", size=10)
        sheet.cell(text=mark, w=0, h=8, new_x="LMARGIN", new_y="NEXT")
    sheet.set_font("cjk", size=22)
    sheet.cell(text="职工互助保障参保凭证", align="C", w=0, h=16, new_x="LMARGIN", new_y="NEXT")
    sheet.set_font("cjk", size=11)
    sheet.cell(text=f"凭证号 {cover.certificate}", align="R", w=0, h=12, new_x="LMARGIN",
               new_y="NEXT")  # fmt: skip
    for term, said in facts_of(cover, words):
        sheet.set_text_color(90)
        sheet.cell(text=term, w=34, h=10)
        sheet.set_text_color(0)
        sheet.multi_cell(text=said, w=0, h=10, new_x="LMARGIN", new_y="NEXT")
    _foot(sheet, address, on)
    return bytes(sheet.output())


def _foot(sheet: Any, address: str, on: date) -> None:
    sheet.ln(6)
    sheet.multi_cell(text=f"保障内容以互助计划的规则为准；规则未载明的，{SILENT}。", w=0, h=7)
    top = sheet.get_y() + 8
    picture = io.BytesIO()
    segno.make(address, error="m").save(picture, kind="png", scale=8, border=2)
    picture.seek(0)
    sheet.image(picture, x=25, y=top, w=34, h=34, alt_text="核验二维码")
    sheet.set_xy(65, top + 8)
    sheet.set_font("cjk", size=10)
    sheet.multi_cell(text="扫码核验这份凭证是否有效；\n核验只显示有效与否和保障期。", w=0, h=7)
    sheet.set_xy(25, top + 48)
    sheet.set_font("cjk", size=11)
    day = f"{on.year}年{on.month}月{on.day}日"
    sheet.cell(text=f"制表：　　　　　　审核：　　　　　　日期：{day}　　　　（盖章）", w=0, h=10)


def facts_of(cover: Enrollment, words: str) -> list[tuple[str, str]]:
    """What a certificate says, line by line."""
    member = cover.member
    number, giver = identity.mask_id(member.opened("resident_id")), gifts.giver_of(cover)
    return [
        ("姓名", member.name),
        ("身份证号", number),
        ("参保单位", cover.organization.name),
        ("互助计划", cover.edition.name),
        ("保障期", f"{_prose(cover.cover_from)} 至 {_prose(cover.cover_to)}"),
        ("参保费", f"{yuan(cover.fee)} 元{f'，由{giver}赠送' if giver else ''}"),
        ("状态", words),
    ]


def _prose(day: date) -> str:
    return f"{day.year}年{day.month}月{day.day}日"
