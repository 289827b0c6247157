"""Our own Markdown as HTML for our pages: whatever stands in a policy or a title comes out as text."""

from markdown_it import MarkdownIt
from markupsafe import Markup


def inline(text: str) -> Markup:
    """One of our sentences: inline code and nothing else."""
    return Markup(_SENTENCES.renderInline(text))  # noqa: S704 (escaped by the renderer; HTML is off)


def blocks(text: str) -> Markup:
    """The text of a check: headings, lists and tables. No HTML, and nothing that is loaded from elsewhere."""
    return Markup(_TEXTS.render(text))  # noqa: S704 (escaped by the renderer; HTML is off)


_SENTENCES = MarkdownIt("zero").enable(["backticks", "escape", "entity"])
_TEXTS = MarkdownIt("commonmark", {"html": False}).enable("table").disable(["image", "link", "autolink"])
