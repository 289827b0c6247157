"""Markdown as GitHub shows it: tables, a few harmless tags, no comments, diagrams left for a script."""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING, Any

from markdown_it import MarkdownIt
from markupsafe import Markup

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markdown_it.renderer import RendererHTML
    from markdown_it.token import Token

COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
HARMLESS = re.compile(r"(</?(?:details|summary|br|sub|sup|kbd|hr)\s*/?>|<details open>)")


def render(text: str | None) -> Markup:
    """The text as HTML that is safe to put into a page."""
    return Markup(_MARKDOWN.render(text or ""))  # noqa: S704 - every tag is ours or in HARMLESS


def _html(
    renderer: RendererHTML, tokens: Sequence[Token], index: int, options: object, environment: object
) -> str:
    """Raw HTML: comments vanish, harmless tags stay, everything else is shown as it was written."""
    del renderer, options, environment
    parts = HARMLESS.split(COMMENT.sub("", tokens[index].content))
    return "".join(part if at % 2 else escape(part) for at, part in enumerate(parts))


def _fence(
    renderer: RendererHTML, tokens: Sequence[Token], index: int, options: Any, environment: Any
) -> str:
    """A code block; a Mermaid diagram keeps its text for the script that draws it."""
    if tokens[index].info.strip() == "mermaid":
        return f'<pre class="mermaid">{escape(tokens[index].content)}</pre>\n'
    return renderer.fence(tokens, index, options, environment)


def _image(
    renderer: RendererHTML, tokens: Sequence[Token], index: int, options: object, environment: object
) -> str:
    """An image's name: these pages ask nothing of other hosts."""
    del renderer, options, environment
    return escape(tokens[index].content)


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    parser.add_render_rule("html_block", _html)
    parser.add_render_rule("html_inline", _html)
    parser.add_render_rule("fence", _fence)
    parser.add_render_rule("image", _image)
    return parser


_MARKDOWN = _parser()
