import re
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from gatekeeper.decide.markdown import bullets, clip, code, fit, listed, prose, table

GITHUB = MarkdownIt("gfm-like", {"html": True}).disable("linkify")
HOSTILE = [
    pytest.param("`rm -rf`", id="backticks"),
    pytest.param("a ``` b `` c", id="runs of backticks"),
    pytest.param("`", id="one backtick"),
    pytest.param("a|b||c", id="pipes"),
    pytest.param("one\ntwo\r\n\r\nthree", id="newlines"),
    pytest.param("@acme/sre and @alice", id="mentions"),
    pytest.param("<img src=x onerror=alert(1)><!-- x -->", id="HTML"),
    pytest.param("[click](https://evil.example) https://evil.example www.evil.example", id="links"),
    pytest.param("**bold** _it_ ~~gone~~ $x^2$ # h", id="emphasis"),
    pytest.param("acme/shop#12 and #34", id="references"),
    pytest.param("&lt;b&gt; &amp;", id="entities"),
    pytest.param("back\\slash\\", id="backslashes"),
]
TEXTS = st.text(st.sampled_from("ab`|\n@<>#*_[]()\\&$~!-:/w. "), min_size=1, max_size=30)


def rendered(markdown: str) -> str:
    return str(GITHUB.render(markdown))


def words(html: str) -> str:
    """What a reader sees of some HTML."""
    return unescape(re.sub(r"<[^>]*>", "", html)).replace("\u2060", "").strip()


@pytest.mark.parametrize("text", HOSTILE)
def test_inline_code_shows_what_was_given_and_nothing_else(text: str) -> None:
    html = rendered(f"See {code(text)} there.")
    assert words(html) == f"See {clip(text, 160)} there."
    assert re.sub(r"<code>.*</code>", "", html) == "<p>See  there.</p>\n"


@pytest.mark.parametrize("text", HOSTILE)
def test_prose_shows_what_was_given_without_markup(text: str) -> None:
    html = rendered(f"See {prose(text)} there.")
    assert words(html) == f"See {clip(text, 300)} there."
    assert re.findall(r"<\w+", html) == ["<p"]
    assert not re.search(r"[@#]\w", unescape(html))
    assert not re.search(r"\w://|www\.", unescape(html))


@given(TEXTS.filter(str.strip))
def test_nothing_breaks_out_of_inline_code_or_prose(text: str) -> None:
    html = rendered(f"See {code(text)}, {prose(text)}.")
    assert words(html) == f"See {clip(text, 160)}, {clip(text, 160)}."


@given(st.lists(TEXTS.filter(str.strip), min_size=2, max_size=2))
def test_a_table_keeps_its_cells(texts: list[str]) -> None:
    html = rendered(table(["a", "b"], [[code(text) for text in texts]]))
    cells = re.findall(r"<td>(.*)</td>", html)
    assert len(re.findall("<tr>", html)) == 2
    assert [words(cell) for cell in cells] == [clip(text, 160) for text in texts]


def test_a_clipped_text_says_so() -> None:
    assert clip("  one\n two  ", 20) == "one two"
    assert clip("x" * 21, 20) == "x" * 19 + "…"
    assert len(code("x" * 500)) == 162


def test_a_list_is_cut_after_a_few() -> None:
    assert listed(("a", "b"), " or ") == "`a` or `b`"
    assert listed(tuple("abcdefgh"), ", ", most=3) == "`a`, `b`, `c` and 5 more"


def test_bullets_hold_one_text_or_several() -> None:
    assert bullets([("Since", ["noon"]), ("Cause", ["this", "that"])]) == (
        "- **Since:** noon\n- **Cause:**\n  - this\n  - that"
    )


@pytest.mark.parametrize("size", [65_535, 70_000])
def test_texts_are_cut_by_bytes_not_characters(size: int) -> None:
    emoji = "🔴" * 25  # 100 bytes
    parts = [emoji] * (size // 102)
    text = fit(parts, 65_535)
    assert len(text.encode()) <= 65_535
    assert text.endswith("than GitHub takes.*") is (size == 70_000)
    assert set(text.split("\n\n")) <= {emoji, "*Cut here: the text was longer than GitHub takes.*"}


def test_a_text_that_just_fits_is_left_alone() -> None:
    whole = "é" * 50
    assert fit([whole, whole], 202) == f"{whole}\n\n{whole}"
    assert fit([whole, whole], 201) == f"{whole}\n\n*Cut here: the text was longer than GitHub takes.*"


def test_even_a_first_part_too_long_keeps_its_beginning() -> None:
    text = fit(["🔴" * 30_000], 65_535)
    assert text.startswith("🔴🔴🔴")
    assert 65_400 < len(text.encode()) <= 65_535


@given(st.lists(st.text(max_size=400), max_size=20), st.integers(100, 2_000))
def test_no_text_is_ever_longer_than_its_limit(parts: list[str], limit: int) -> None:
    assert len(fit(parts, limit).encode()) <= limit
