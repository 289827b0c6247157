"""A revert is the exact inverse of a change, whatever it says of itself."""

from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gatekeeper.policy.revert import FileChange, changes, differing, named, says_so, takes_back

FILE, LINK, RUN = "100644", "120000", "100755"
NAMES = st.sampled_from(["app.py", "docs/a.md", "lib", "lib/x.py", "run.sh"])
OBJECTS = st.builds("{} {}".format, st.sampled_from([FILE, LINK, RUN, "160000"]), st.sampled_from("abcd"))
TREES = st.dictionaries(NAMES, OBJECTS)
SHA = "0123456789abcdef0123456789abcdef01234567"


@given(TREES, TREES)
def test_going_back_to_the_tree_before_takes_a_change_back(
    before: dict[str, str], after: dict[str, str]
) -> None:
    assume(before != after)
    assert takes_back(changes(after, before), changes(before, after))


@given(TREES, TREES, TREES)
def test_nothing_else_does(before: dict[str, str], after: dict[str, str], other: dict[str, str]) -> None:
    """From where the change left the files, every other way than back is refused."""
    assume(other != before)
    assert not takes_back(changes(after, other), changes(before, after))


@given(TREES, TREES, TREES, TREES)
def test_it_is_the_same_whatever_else_the_branch_has(
    before: dict[str, str], after: dict[str, str], rest: dict[str, str], later: dict[str, str]
) -> None:
    """Other files of the branch differ between then and now; those of the change have to be as it left them."""
    touched = {one.path for one in changes(before, after)}
    assume(touched)
    now = {path: name for path, name in {**rest, **later}.items() if path not in touched}
    back = {path: name for path, name in before.items() if path in touched}
    there = {path: name for path, name in after.items() if path in touched}
    assert takes_back(changes({**now, **there}, {**now, **back}), changes(before, after))


@given(TREES, TREES)
def test_what_differs_is_told_if_and_only_if_it_is_no_inverse(
    before: dict[str, str], after: dict[str, str]
) -> None:
    change, other = changes(before, after), changes(after, before)
    assert differing(change, other) == ()
    assert bool(differing(change, change)) is bool(change)


CHANGE = (
    FileChange("app.py", f"{FILE} a", f"{FILE} b"),
    FileChange("new.py", None, f"{FILE} c"),
    FileChange("old.py", f"{FILE} d", None),
)
INVERSE = tuple(FileChange(one.path, one.after, one.before) for one in CHANGE)


@pytest.mark.parametrize(
    ("look_alike", "differ"),
    [
        pytest.param(INVERSE[:2], ("old.py",), id="a part of it"),
        pytest.param((), ("app.py", "new.py", "old.py"), id="nothing at all"),
        pytest.param((*INVERSE, FileChange("x.py", None, f"{FILE} e")), ("x.py",), id="it, and a file more"),
        pytest.param(
            (replace(INVERSE[0], after=f"{FILE} e"), *INVERSE[1:]),
            ("app.py",),
            id="a line left of the change",
        ),
        pytest.param(
            (replace(INVERSE[0], before=f"{FILE} e"), *INVERSE[1:]),
            ("app.py",),
            id="it, over something that came later",
        ),
        pytest.param(
            (replace(INVERSE[0], after=f"{RUN} a"), *INVERSE[1:]), ("app.py",), id="the same text, executable"
        ),
        pytest.param(
            (replace(INVERSE[0], after=f"{LINK} a"), *INVERSE[1:]), ("app.py",), id="a link of the same text"
        ),
        pytest.param(
            (INVERSE[0], replace(INVERSE[1], path="New.py"), INVERSE[2]),
            ("New.py", "new.py"),
            id="in another case",
        ),
        pytest.param(CHANGE, ("app.py", "new.py", "old.py"), id="the change once more"),
    ],
)
def test_a_look_alike_is_refused(look_alike: tuple[FileChange, ...], differ: tuple[str, ...]) -> None:
    assert not takes_back(look_alike, CHANGE)
    assert differing(look_alike, CHANGE) == differ


def test_the_inverse_in_any_order_is_none() -> None:
    assert takes_back(INVERSE[::-1], CHANGE)
    assert not takes_back((), ())


@pytest.mark.parametrize(
    ("title", "body", "found"),
    [
        pytest.param('Revert "Gift cards"', "Reverts acme/shop#12", [12], id="by GitHub's button"),
        pytest.param('Revert "Gift cards"', "Reverts ACME/Shop#12.", [12], id="whatever the case"),
        pytest.param('Revert "Gift cards"', "Reverts acme/other#12", [], id="of another repository"),
        pytest.param('Revert "Gift cards"', f"This reverts commit {SHA}.", [SHA], id="by git revert"),
        pytest.param('Revert "Gift cards"', f"This reverts commit {SHA[:12]}.", [], id="a commit cut short"),
        pytest.param('Revert "Gift cards (#12)"', "", [12], id="by the title of a squash"),
        pytest.param("Reverts #12", "", [12], id="in the title"),
        pytest.param('Revert "Gift cards"', "", [], id="without saying which"),
        pytest.param("Gift cards (#12)", "", [], id="a number that it does not revert"),
        pytest.param(
            "Back",
            f"Reverts #12, reverts #3.\nThis reverts commit {SHA}.",
            [12, 3, SHA],
            id="several in order",
        ),
        pytest.param("Back", "Reverts #12. Reverts acme/shop#12", [12], id="each once"),
        pytest.param("Back", "Reverts\n#12", [], id="not over lines"),
    ],
)
def test_what_it_says_that_it_takes_back(title: str, body: str, found: list[int | str]) -> None:
    assert list(named(title, body, "acme/shop")) == found


@given(st.text(), st.text())
def test_whatever_is_written_is_read(title: str, body: str) -> None:
    assert all(isinstance(one, int) or len(one) == len(SHA) for one in named(title, body, "acme/shop"))


@pytest.mark.parametrize(
    ("title", "says"),
    [
        pytest.param('Revert "Gift cards"', True, id="a revert"),
        pytest.param('Reapply "Gift cards"', True, id="of a revert, as git names it"),
        pytest.param("roll back gift cards", True, id="in other words"),
        pytest.param("Gift cards, not reverted", False, id="the word elsewhere"),
        pytest.param("Reverting proxies", False, id="a longer word"),
    ],
)
def test_a_title_that_says_so(title: str, *, says: bool) -> None:
    assert says_so(title) is says
