"""The client when GitHub limits, fails, loses answers or takes tokens away."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

import openapi
from gatekeeper.demo.github import AppKey, StandIn
from gatekeeper.errors import GitHubError, GitHubRefusedError, RateLimitedError
from gatekeeper.github.allowance import UNLIMITED
from gatekeeper.github.client import GitHub
from gatekeeper.github.limiter import Limiter
from github_clients import HURRIED, Clock, Time, app_client, app_connections

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gatekeeper.github.values import CheckContent

KEY = AppKey()  # one for all tests, as making it takes longer than most of them
SHOP = "acme/shop"
COMMENTS = r"/issues/1/comments$"
CONTENT: CheckContent = {
    "external_id": "essence",
    "conclusion": "failure",
    "title": "checkout is frozen",
    "summary": "Spent.",
    "text": "",
    "details_url": None,
    "actions": (),
    "annotations": [],
    "now": datetime(2026, 11, 2, 12, tzinfo=UTC),
}


@pytest.fixture
def github() -> Iterator[StandIn]:
    """A GitHub with pull request 1 open."""
    with StandIn(app_key=KEY) as github:
        github.state.open_pull(SHOP, author="dev1", title="Faster", files={"a.py": "x\n"})
        yield github


def read(client: GitHub) -> Any:
    return client.pull(SHOP, 1)


def comment(client: GitHub) -> Any:
    return client.create_comment(SHOP, 1, "Frozen.")


def limited(time: Time) -> Callable[[], Limiter]:
    return partial(HURRIED, monotonic=time, sleep=time.sleep)


class TestLimits:
    @pytest.mark.parametrize(
        ("status", "retry_after", "seconds"),
        [
            pytest.param(403, 17, 17.0, id="secondary limit with Retry-After"),
            pytest.param(403, None, 60.0, id="secondary limit without"),
            pytest.param(429, 17, 17.0, id="429 with Retry-After"),
            pytest.param(429, None, 60.0, id="429 without"),
        ],
    )
    @pytest.mark.parametrize(
        ("method", "act"),
        [
            pytest.param("GET", read, id="reading"),
            pytest.param("POST", comment, id="writing"),
        ],
    )
    def test_a_limit_is_obeyed_by_every_later_call_and_then_over(
        self,
        github: StandIn,
        method: str,
        act: Callable[[GitHub], Any],
        status: int,
        retry_after: int | None,
        seconds: float,
    ) -> None:
        clock = Time()
        client = app_client(github, limiter=limited(clock))
        read(client)
        github.faults.secondary_limit(method, "/repos", status=status, retry_after=retry_after)
        github.calls.clear()
        with pytest.raises(RateLimitedError, match=f"{status} You have exceeded") as raised:
            act(client)
        assert raised.value.retry_after == seconds
        clock.now += seconds - 1
        for again in (read, comment):
            with pytest.raises(RateLimitedError) as raised:
                again(client)
            assert raised.value.retry_after == pytest.approx(1.0)
        assert len(github.calls) == 1  # nothing was sent while GitHub had asked for silence
        clock.now += 1
        act(client)
        assert clock.slept == [0.0] * len(clock.slept)

    def test_limits_without_a_header_wait_longer_each_time(self, github: StandIn) -> None:
        clock = Time()
        client = app_client(github, limiter=limited(clock))
        read(client)
        github.faults.secondary_limit("GET", "/pulls", times=3)
        waits = []
        for _ in range(3):
            with pytest.raises(RateLimitedError) as raised:
                read(client)
            waits.append(raised.value.retry_after or 0.0)
            clock.now += waits[-1]
        assert waits == [60.0, 120.0, 240.0]
        read(client)

    def test_a_spent_quota_is_waited_for_by_githubs_clock(self, github: StandIn) -> None:
        clock = Time()
        client = app_client(github, limiter=limited(clock))
        read(client)
        github.faults.primary_limit("GET", "/pulls")
        with pytest.raises(RateLimitedError, match="API rate limit exceeded") as raised:
            read(client)
        assert raised.value.retry_after == pytest.approx(3600.0, abs=10.0)
        with pytest.raises(RateLimitedError, match="nothing is sent"):
            comment(client)

    def test_the_last_request_of_the_hour_succeeds_and_the_next_is_not_sent(self, github: StandIn) -> None:
        github.limits.limit = 3
        client = app_client(github)
        for _ in range(3):
            read(client)
        github.calls.clear()
        with pytest.raises(RateLimitedError):
            read(client)
        assert len(github.calls) == 0
        assert [rate.remaining for rate in client.rates().values()] == [0]

    def test_one_installations_limit_is_not_anothers(self, github: StandIn) -> None:
        world = github.state
        world.add_account("other", "Organization")
        world.add_repository("other/shop", {"README.md": "x"}, author="ops1")
        world.install(github.app_id, "other", by="ops1")
        client = app_client(github)
        github.faults.secondary_limit("GET", "/acme/shop/pulls", retry_after=60)
        with pytest.raises(RateLimitedError):
            read(client)
        assert list(client.open_pulls("other/shop")) == []

    def test_a_limit_in_the_middle_of_a_list_is_raised_there(self, github: StandIn) -> None:
        for index in range(100):
            github.state.comment_on(SHOP, 1, str(index), by="po1")
        github.state.comment_on(SHOP, 1, "last", by="po1")
        client = app_client(github)
        found = client.comments(SHOP, 1)
        assert next(found).body == "0"
        github.faults.secondary_limit("GET", COMMENTS, retry_after=60)
        with pytest.raises(RateLimitedError):
            list(found)


class TestFailures:
    @pytest.mark.parametrize("status", [500, 502, 503, 504])
    @pytest.mark.parametrize(
        ("method", "act"),
        [
            pytest.param("POST", comment, id="POST"),
            pytest.param(
                "PATCH",
                lambda client: client.update_check(SHOP, 1, sha="", name="gatekeeper", **CONTENT),
                id="PATCH",
            ),
            pytest.param("DELETE", lambda client: client.remove_label(SHOP, 1, "bug"), id="DELETE"),
        ],
    )
    def test_a_server_error_is_for_later_and_sent_once(
        self, github: StandIn, method: str, act: Callable[[GitHub], Any], status: int
    ) -> None:
        client = app_client(github)
        read(client)
        github.calls.clear()
        github.faults.fail(method, "/repos", status=status, times=9)
        with pytest.raises(GitHubError, match=str(status)) as raised:
            act(client)
        assert not isinstance(raised.value, RateLimitedError)
        assert [call.method for call in github.calls] == [method]

    @pytest.mark.parametrize("status", [500, 502, 503, 504])
    @pytest.mark.parametrize("times", [1, 2, 3])
    def test_what_only_reads_is_sent_three_times_at_most(
        self, github: StandIn, times: int, status: int
    ) -> None:
        client = app_client(github)
        read(client)
        github.calls.clear()
        github.faults.fail("GET", "/repos", status=status, times=times)
        if times < 3:
            read(client)
        else:
            with pytest.raises(GitHubError, match=str(status)):
                read(client)
        assert [call.method for call in github.calls] == ["GET"] * min(times + 1, 3)

    def test_a_query_of_graphql_is_a_read(self, github: StandIn) -> None:
        client = app_client(github)
        read(client)
        github.calls.clear()
        github.faults.fail("POST", "/graphql", status=502)
        assert client.merge_queue(SHOP, "main") == ()
        assert [call.path for call in github.calls] == ["/graphql"] * 2

    def test_a_comment_whose_answer_was_lost_is_not_written_twice(self, github: StandIn) -> None:
        client = app_client(github)
        read(client)
        github.faults.lose_answer("POST", COMMENTS)
        with pytest.raises(GitHubError, match="no answer"):
            comment(client)
        assert len(list(client.comments(SHOP, 1))) == 1

    def test_a_check_whose_answer_was_lost_can_be_found_by_what_it_says(self, github: StandIn) -> None:
        client = app_client(github)
        sha = client.pull(SHOP, 1).head_sha
        github.faults.lose_answer("POST", "/check-runs")
        with pytest.raises(GitHubError, match="no answer"):
            client.create_check(SHOP, sha=sha, name="gatekeeper", **CONTENT)
        assert [one.external_id for one in client.check_runs(SHOP, sha, "gatekeeper")] == ["essence"]

    def test_an_answer_that_does_not_come_is_for_later(self, github: StandIn) -> None:
        client = app_client(github, timeout=1)
        read(client)
        github.faults.delay("GET", "/pulls", 2.0, times=3)
        began = time.monotonic()
        with pytest.raises(GitHubError, match="ReadTimeout"):
            read(client)
        assert time.monotonic() - began < 5.9
        read(client)  # the connection that timed out is not used again

    def test_nobody_there_is_for_later(self) -> None:
        with StandIn(app_key=KEY) as github:
            client = app_client(github)
        with pytest.raises(GitHubError, match="no answer"):
            read(client)

    def test_a_token_that_cannot_be_made_fails_the_request_that_needs_it(self, github: StandIn) -> None:
        client = app_client(github)
        github.faults.fail("POST", "/access_tokens", status=502, times=3)
        with pytest.raises(GitHubError, match="access_tokens: 502"):
            read(client)
        read(client)


class TestTokens:
    def mints(self, github: StandIn) -> int:
        return sum(call.path.endswith("/access_tokens") for call in github.calls)

    def test_a_token_is_used_for_most_of_its_hour_and_renewed_before_its_end(self, github: StandIn) -> None:
        clock = Clock()
        client = GitHub(app_connections(github, clock=clock))
        for minutes, mints in ((0, 1), (57, 1), (59, 2)):
            clock.ahead = timedelta(minutes=minutes)
            read(client)
            assert self.mints(github) == mints, minutes

    @pytest.mark.parametrize(
        "act", [pytest.param(read, id="a read"), pytest.param(comment, id="a write, which is done once")]
    )
    def test_a_token_taken_away_midway_is_renewed_and_the_request_done(
        self, github: StandIn, act: Callable[[GitHub], Any]
    ) -> None:
        client = app_client(github)
        read(client)
        github.state.tokens.clear()
        act(client)
        assert self.mints(github) == 2
        assert len(github.state.comments) == (act is comment)

    def test_a_token_that_never_works_is_refused_after_one_renewal(self, github: StandIn) -> None:
        client = app_client(github)
        read(client)
        github.faults.fail("GET", "/pulls", status=401, times=9)
        with pytest.raises(GitHubRefusedError, match="clock right") as refused:
            read(client)
        assert refused.value.status == 401
        assert self.mints(github) == 2

    def test_another_apps_key_is_refused_with_what_to_look_at(self, github: StandIn) -> None:
        github.app_key = AppKey()
        with pytest.raises(GitHubRefusedError, match="private key this App's") as refused:
            read(app_client(github))
        assert refused.value.status == 401

    def test_threads_that_begin_together_make_one_token(self, github: StandIn) -> None:
        client = app_client(github)
        together(8, lambda _: read(client))
        assert self.mints(github) == 1


class TestThreads:
    def test_eight_threads_on_one_installation_get_their_own_answers(self, github: StandIn) -> None:
        numbers = [1] + [
            github.state.open_pull(SHOP, author="dev1", title=f"T{index}", files={f"f{index}": "x\n"}).number
            for index in range(2, 9)
        ]
        client = app_client(github)

        def work(index: int) -> None:
            number = numbers[index]
            for turn in range(5):
                found = client.pull(SHOP, number)
                assert (found.number, found.title) == (number, f"T{number}" if number > 1 else "Faster")
                written = client.create_comment(SHOP, number, f"{number}.{turn}")
                client.edit_comment(SHOP, written, f"{number}.{turn}!")

        together(8, work)
        for number in numbers:
            bodies = [one.body for one in client.comments(SHOP, number)]
            assert bodies == [f"{number}.{turn}!" for turn in range(5)]
        openapi.validate_all(github.calls)

    def test_writes_of_all_threads_keep_their_distance(self, github: StandIn) -> None:
        client = app_client(github, limiter=partial(Limiter, replace(UNLIMITED, between_writes=0.1)))
        read(client)
        began = time.monotonic()
        together(4, lambda _: [comment(client) for _ in range(3)])
        assert time.monotonic() - began >= 1.1
        assert len(github.state.comments) == 12


def together(threads: int, work: Callable[[int], Any]) -> None:
    """Do the work in threads that begin together; the first error of any is raised."""
    start, failures = threading.Barrier(threads), list[BaseException]()

    def run(index: int) -> None:
        start.wait(10)
        try:
            work(index)
        except BaseException as error:  # noqa: BLE001 - raised again below, in the test's own thread
            failures.append(error)

    started = [threading.Thread(target=run, args=(index,)) for index in range(threads)]
    for thread in started:
        thread.start()
    for thread in started:
        thread.join(60)
    if failures:
        raise failures[0]
