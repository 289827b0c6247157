"""Which deployments users met, and which of them take back which."""

from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.availability.deployments import Deployed, taken_back, with_let_go
from ledgers import MIDNIGHT

HOUR = timedelta(hours=1)


def deployed(hour: int, sha: str, **values: str) -> Deployed:
    """The ``hour``-th deployment, which is its id as well."""
    given = {"environment": "production", "repository": "acme/shop", "task": "deploy"} | values
    return Deployed(
        id=str(hour),
        production=False,
        ref="main",
        sha=sha,
        start=MIDNIGHT + hour * HOUR,
        url=None,
        **given,
    )


@pytest.mark.parametrize(
    ("environment", "met"),
    [
        ("production", True),
        ("Production", True),
        ("prod", True),
        ("prod-eu", True),
        ("prod_eu", True),
        ("production/eu", True),
        ("Production – shop", True),
        ("prod2", True),
        ("products", False),
        ("staging", False),
        ("pre-prod", False),
        ("github-pages", False),
    ],
)
def test_users_meet_what_goes_into_production(environment: str, *, met: bool) -> None:
    assert deployed(0, "a", environment=environment).met_by_users is met


def test_the_senders_word_counts_whatever_the_name() -> None:
    one = deployed(0, "a", environment="eu-west")
    assert not one.met_by_users
    assert Deployed(**(vars(one) | {"production": True})).met_by_users


@pytest.mark.parametrize(
    ("deployments", "expected"),
    [
        pytest.param([deployed(0, "a"), deployed(1, "b")], {}, id="new commits take nothing back"),
        pytest.param(
            [deployed(0, "a"), deployed(1, "b"), deployed(2, "a")], {"2": "1"}, id="back to the last commit"
        ),
        pytest.param(
            [deployed(0, "a"), deployed(1, "b"), deployed(2, "c"), deployed(3, "a")],
            {"3": "2"},
            id="back over two: what was there is taken back",
        ),
        pytest.param(
            [deployed(0, "a"), deployed(1, "b"), deployed(2, "a"), deployed(3, "b")],
            {"2": "1", "3": "2"},
            id="forward again takes the rollback back",
        ),
        pytest.param([deployed(0, "a"), deployed(1, "a")], {}, id="the same again takes nothing back"),
        pytest.param(
            [deployed(0, "a"), deployed(1, "b", environment="staging"), deployed(2, "a")],
            {},
            id="another environment is another place",
        ),
        pytest.param(
            [deployed(0, "a"), deployed(1, "b", repository="acme/other"), deployed(2, "a")],
            {},
            id="so is another repository",
        ),
        pytest.param(
            [deployed(0, "a"), deployed(1, "b", repository="Acme/Shop"), deployed(2, "a")],
            {"2": "1"},
            id="repositories ignore case",
        ),
        pytest.param(
            [deployed(0, "a"), deployed(1, "b"), deployed(2, "a", task="deploy:search")],
            {},
            id="another task deploys something else",
        ),
        pytest.param(
            [deployed(0, "a"), deployed(1, "b"), deployed(2, "x", task="deploy:rollback")],
            {"2": "1"},
            id="a task that says so takes back what was there",
        ),
        pytest.param(
            [deployed(0, "a"), deployed(1, "b"), deployed(2, "a", task="Rollback"), deployed(3, "b")],
            {"2": "1", "3": "2"},
            id="what a rollback brought can be taken back",
        ),
        pytest.param([deployed(0, "a", task="roll-back")], {}, id="a rollback with nothing there"),
        pytest.param(
            [deployed(0, "a"), deployed(1, "b", task="scrollback")], {}, id="a word that only contains it"
        ),
    ],
)
def test_what_takes_back_what(deployments: list[Deployed], expected: dict[str, str]) -> None:
    assert dict(taken_back(deployments)) == expected


@pytest.mark.parametrize(
    ("succeeded", "let_go", "expected"),
    [
        pytest.param([], [deployed(3, "a")], ["3"], id="nothing is on record"),
        pytest.param([deployed(2, "a")], [deployed(3, "a")], ["2", "3"], id="it was there before as well"),
        pytest.param([deployed(4, "a")], [deployed(3, "a")], ["4"], id="it is on record since"),
        pytest.param(
            [deployed(4, "a", repository="Acme/Shop", environment="Production")],
            [deployed(3, "a")],
            ["4"],
            id="names ignore case",
        ),
        pytest.param([deployed(4, "b")], [deployed(3, "a")], ["4", "3"], id="another commit is on record"),
        pytest.param(
            [deployed(4, "a", environment="staging")],
            [deployed(3, "a")],
            ["4", "3"],
            id="or another environment",
        ),
        pytest.param(
            [replace(deployed(3, "a"), id="9", start=MIDNIGHT + 3 * HOUR - timedelta(minutes=1))],
            [deployed(3, "a")],
            ["9"],
            id="clocks differ by a minute at most",
        ),
    ],
)
def test_what_was_let_go_counts_until_it_is_on_record(
    succeeded: list[Deployed], let_go: list[Deployed], expected: list[str]
) -> None:
    assert [one.id for one in with_let_go(succeeded, let_go)] == expected


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["deploy", "rollback"])), max_size=8),
    st.randoms(),
)
def test_the_order_of_reports_changes_nothing_and_nothing_takes_back_the_future(
    drawn: list[tuple[str, str]], random: Random
) -> None:
    deployments = [deployed(hour, sha, task=task) for hour, (sha, task) in enumerate(drawn)]
    found = dict(taken_back(deployments))
    assert all(int(other) < int(one) for one, other in found.items())
    random.shuffle(deployments)
    assert dict(taken_back(deployments)) == found
