"""What must hold on GitHub when all is settled, whatever happened before."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from staging.stage import Stage

SHOP = "acme/shop"


def assert_each_has_one_check_and_one_comment(stage: Stage) -> None:
    """On every pull request of a frozen service, and saying what they should: another pass writes nothing."""
    world = stage.github.state
    pulls = [pull for (repository, _), pull in sorted(world.pulls.items()) if repository == SHOP]
    made = Counter((one.name, one.head_sha) for one in world.checks.values())
    twice = [one for one, times in made.items() if times > 1]
    assert twice == [], "also commits that were pushed over"
    for pull in pulls:
        exempt = "reliability" in pull.labels
        found = stage.check(pull.number)
        assert found.conclusion == ("success" if exempt else "action_required"), (
            f"#{pull.number}: {found.output.title}"
        )
        assert len(stage.comments(pull.number)) == 1
        assert ("slo:frozen" in pull.labels) is not exempt
    stage.github.calls.clear()
    stage.touch(f"pull:{SHOP}#{pull.number}" for pull in pulls)
    assert [str(call) for call in stage.github.calls.writes()] == [], "all of it says what it should"
