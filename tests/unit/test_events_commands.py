import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.events.commands import Command, CommandName, parse_command

STATUS = Command(CommandName.STATUS)


@pytest.mark.parametrize(
    ("text", "command"),
    [
        pytest.param("/gatekeeper status", STATUS, id="status"),
        pytest.param("/gatekeeper explain", Command(CommandName.EXPLAIN), id="explain"),
        pytest.param("/gatekeeper recheck", Command(CommandName.RECHECK), id="recheck"),
        pytest.param(
            "/gatekeeper override fixes the outage of #12",
            Command(CommandName.OVERRIDE, "fixes the outage of #12"),
            id="override with a reason",
        ),
        pytest.param("/gatekeeper override", Command(CommandName.OVERRIDE), id="override without one"),
        pytest.param(
            "/gatekeeper override because `retry()` **loops**",
            Command(CommandName.OVERRIDE, "because `retry()` **loops**"),
            id="the reason keeps its Markdown",
        ),
        pytest.param("/Gatekeeper Status", STATUS, id="as a phone writes it"),
        pytest.param("  /gatekeeper   status  ", STATUS, id="spaces around"),
        pytest.param("Hello.\n/gatekeeper status\nThanks", STATUS, id="a line among others"),
        pytest.param("> what now?\n\n/gatekeeper status", STATUS, id="below a quote"),
        pytest.param("/gatekeeper status\n/gatekeeper recheck", STATUS, id="the first of two"),
        pytest.param("/gatekeeper status\r\n", STATUS, id="line ends as browsers send them"),
        pytest.param("/gatekeeper frob it", Command(CommandName.UNKNOWN, "frob it"), id="another word"),
        pytest.param("/gatekeeper unknown", Command(CommandName.UNKNOWN, "unknown"), id="that word itself"),
        pytest.param("/gatekeeper", Command(CommandName.UNKNOWN), id="nothing behind it"),
        pytest.param("", None, id="empty"),
        pytest.param("please run /gatekeeper status", None, id="in the middle of a line"),
        pytest.param("/gatekeepers status", None, id="a longer word"),
        pytest.param("> /gatekeeper override please", None, id="quoted"),
        pytest.param(
            "> quoted\n/gatekeeper override lazy continuation", None, id="still quoted, by Markdown"
        ),
        pytest.param("- /gatekeeper override please", None, id="in a list"),
        pytest.param("`/gatekeeper status`", None, id="in code"),
        pytest.param("```\n/gatekeeper status\n```", None, id="in a code block"),
        pytest.param("~~~sh\n/gatekeeper status", None, id="in a code block that never ends"),
        pytest.param("    /gatekeeper status", None, id="in an indented code block"),
        pytest.param("<!--\n/gatekeeper override hidden\n-->", None, id="in an HTML comment"),
        pytest.param(
            "seen <!--\n/gatekeeper override hidden\n-->", None, id="in an HTML comment inside text"
        ),
        pytest.param("# /gatekeeper status", None, id="a heading"),
        pytest.param("<!-- gatekeeper -->\n\n/gatekeeper status", None, id="our own comment"),
    ],
)
def test_a_command_is_the_authors_own_line(text: str, command: Command | None) -> None:
    assert parse_command(text) == command


@given(st.text(alphabet="/gatekeeper \n\t`>-~<!*[]()\\#", max_size=300))
def test_any_comment_is_read(text: str) -> None:
    command = parse_command(f"{text}\n\n/gatekeeper status\n\n{text}")
    assert command is None or "\n" not in command.argument


@pytest.mark.timeout(10)
@pytest.mark.parametrize("piece", ["[", ">", "`a", "* a\n  ", "> ", "<a ", "a\n", "<!--", "**a", "\\"])
def test_a_hostile_comment_of_githubs_largest_size_takes_no_long_time(piece: str) -> None:
    parse_command(piece * (65_536 // len(piece)) + "\n\n/gatekeeper status")
