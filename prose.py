"""What an editor writes (Markdown) → safe HTML for the public site and the office.

CommonMark decides whether `**` opens or closes by the punctuation beside it, and so loses bold
in Chinese, which has no spaces (`**注意：**先申请`). Here Chinese characters and their punctuation
count as letters beside a mark. Raw HTML is never let through; what comes out is cleaned once more.
"""

import unicodedata
from typing import Final

import nh3
from markdown_it import MarkdownIt
from markdown_it.common.utils import isMdAsciiPunct, isPunctChar, isWhiteSpace
from markdown_it.parser_inline import ParserInline
from markdown_it.rules_inline import StateInline
from markdown_it.rules_inline.state_inline import Scanned
from markdown_it.token import Token
from markdown_it.utils import EnvType

_TAGS: Final = {
    *("p", "br", "hr", "strong", "em", "h2", "h3", "h4", "ul", "ol", "li", "blockquote", "a"),
    *("table", "thead", "tbody", "tr", "th", "td", "code", "pre"),
}
_SCHEMES: Final = {"http", "https", "tel", "mailto"}
_ASIAN_MARKS: Final = "“”‘’…—·《》〈〉（）【】「」『』、。，：；？！～"


def render(text: str) -> str:
    """Markdown as clean HTML: h2 at most, links to the web, telephones and mail, no images."""
    html = _MARKDOWN.render(text)
    return nh3.clean(
        html,
        tags=_TAGS,
        attributes={"a": {"href", "title"}, "ol": {"start"}},
        url_schemes=_SCHEMES,
        link_rel="noopener noreferrer",
    )


def _is_asian(character: str) -> bool:
    """A Chinese (or Japanese, Korean) character or a mark that stands beside them."""
    wide = unicodedata.east_asian_width(character) in ("W", "F")
    return wide or character in _ASIAN_MARKS


def _is_other_mark(character: str) -> bool:
    """Punctuation that is not Chinese."""
    marked = isMdAsciiPunct(ord(character)) or isPunctChar(character)
    return marked and not _is_asian(character)


class _Inline(StateInline):
    """CommonMark's flanking rules, with Chinese counted as letters that need no space."""

    def scanDelims(self, start: int, canSplitWord: bool) -> Scanned:
        marker, end = self.src[start], start
        while end < self.posMax and self.src[end] == marker:
            end += 1
        before = self.src[start - 1] if start else " "
        after = self.src[end] if end < self.posMax else " "
        opens = _flanks(after, before)
        closes = _flanks(before, after)
        if not canSplitWord:  # `_` inside a word stays a mere mark
            opens, closes = (
                opens and (not closes or _is_other_mark(before) or _is_asian(before)),
                closes and (not opens or _is_other_mark(after) or _is_asian(after)),
            )
        return Scanned(opens, closes, end - start)


def _flanks(inner: str, outer: str) -> bool:
    """Whether a mark between `outer` and `inner` embraces `inner`."""
    if isWhiteSpace(ord(inner)):
        return False
    if not _is_other_mark(inner):
        return True
    return isWhiteSpace(ord(outer)) or _is_other_mark(outer) or _is_asian(outer)


class _InlineParser(ParserInline):
    def parse(self, src: str, md: MarkdownIt, env: EnvType, tokens: list[Token]) -> list[Token]:
        state = _Inline(src, md, env, tokens)
        self.tokenize(state)
        for rule in self.ruler2.getRules(""):
            rule(state)
        return state.tokens


def _lower_first_headings(state: object) -> None:
    """The page has its one h1 already: an entry's own begin at h2."""
    for token in state.tokens:  # type: ignore[attr-defined]  # a StateCore
        if token.type in ("heading_open", "heading_close") and token.tag == "h1":
            token.tag = "h2"


def _markdown() -> MarkdownIt:
    markdown = MarkdownIt("commonmark", {"html": False, "breaks": True})
    markdown.enable("table").disable("image")
    parser = _InlineParser()
    parser.ruler, parser.ruler2 = markdown.inline.ruler, markdown.inline.ruler2
    markdown.inline = parser
    markdown.core.ruler.push("lower_first_headings", _lower_first_headings)
    return markdown


_MARKDOWN: Final = _markdown()
