"""The story's script: its steps, and the acts that move it on."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from gatekeeper.decide.verdict import State
from gatekeeper.demo import cast
from gatekeeper.demo.story import FAST, Facts, Milestone, Story


@dataclass(frozen=True)
class Scene:
    """What the two windows show: paths on the simulated GitHub and on Gatekeeper; None leaves a window as it is."""

    github: str | None = None
    gatekeeper: str | None = None

    def at(self, github: str, gatekeeper: str, facts: Facts) -> "Scene":
        """The scene with addresses instead of paths."""
        return Scene(
            self.github and github + _with_comment(self.github, facts),
            self.gatekeeper and gatekeeper + self.gatekeeper,
        )


@dataclass(frozen=True)
class Act:
    """A button.

    Attributes:
        label: what it says.
        do: does it; returns a sentence on what came of it.
        ready: whether it can be done as things stand.
        scene: where to look.
    """

    label: str
    do: Callable[[Story], str]
    ready: Callable[[Facts], bool] = lambda _: True
    scene: Scene = Scene()


@dataclass(frozen=True)
class Step:
    """A part of the story; ``done`` tells whether it has been played."""

    name: str
    done: Callable[[Facts], bool]


SERVICE_PAGE = f"/services/{cast.SERVICE}"
COMMENT = "#comment"
"""Stands for the anchor of Gatekeeper's comment, whose id is known once it is written."""


def _pull(number: int, anchor: str = "#merge-box", login: str = cast.DEV) -> str:
    return f"/{cast.SHOP}/pull/{number}?as={login}{anchor}"


def _with_comment(path: str, facts: Facts) -> str:
    comment = facts.comments.get(cast.FEATURE)
    return path.replace(COMMENT, f"#issuecomment-{comment}" if comment else "")


def _mergeable(number: int) -> Callable[[Facts], bool]:
    return lambda facts: number in facts.mergeable


def _may_ask(facts: Facts) -> bool:
    return facts.state is State.FROZEN and cast.FEATURE not in facts.merged | facts.labelled


OPENING = Scene(_pull(cast.FEATURE), "/")

STEPS = (
    Step("flow", lambda facts: cast.DOCS in facts.merged),
    Step("incident", lambda facts: Milestone.FROZE in facts.reached),
    Step("refused", lambda facts: Milestone.MERGE_REFUSED in facts.reached),
    Step("recovery", lambda facts: Milestone.RECOVERED in facts.reached),
    Step("override", lambda facts: cast.FEATURE in facts.merged),
    Step("fix", lambda facts: cast.FIX in facts.merged),
    Step("thaw", lambda facts: cast.WAITING in facts.merged),
    Step("mistake", lambda facts: Milestone.POLICY_MENDED in facts.reached),
)

ACTS: Mapping[str, Act] = {
    "merge-docs": Act(
        f"Merge the documentation, #{cast.DOCS}",
        lambda story: story.merge(cast.DOCS),
        _mergeable(cast.DOCS),
        Scene(_pull(cast.DOCS, "")),
    ),
    "start-incident": Act(
        "Start an incident in checkout",
        Story.start_incident,
        lambda facts: facts.state is not None and not facts.failing,
        Scene(_pull(cast.FEATURE), "/"),
    ),
    "try-merge": Act(
        f"Try to merge #{cast.FEATURE} all the same",
        lambda story: story.merge(cast.FEATURE),
        lambda facts: Milestone.FROZE in facts.reached and cast.FEATURE not in facts.mergeable | facts.merged,
        Scene(_pull(cast.FEATURE)),
    ),
    "end-incident": Act(
        "End the incident", Story.end_incident, lambda facts: facts.failing, Scene(None, SERVICE_PAGE)
    ),
    "outsider-asks": Act(
        "Otto puts slo:override on #1",
        lambda story: story.ask_to_override(cast.OUTSIDER),
        _may_ask,
        Scene(_pull(cast.FEATURE, COMMENT), SERVICE_PAGE),
    ),
    "operator-asks": Act(
        "Oskar puts slo:override on #1",
        lambda story: story.ask_to_override(cast.OPS),
        _may_ask,
        Scene(_pull(cast.FEATURE), f"{SERVICE_PAGE}#overrides"),
    ),
    "merge-feature": Act(
        f"Merge #{cast.FEATURE}",
        lambda story: story.merge(cast.FEATURE),
        lambda facts: Milestone.FROZE in facts.reached and cast.FEATURE in facts.mergeable,
        Scene(_pull(cast.FEATURE), f"{SERVICE_PAGE}#overrides"),
    ),
    "merge-fix": Act(
        f"Merge the fix, #{cast.FIX}",
        lambda story: story.merge(cast.FIX),
        _mergeable(cast.FIX),
        Scene(_pull(cast.FIX)),
    ),
    "go-to-thaw": Act(
        "Go to the thaw",
        Story.go_to_thaw,
        lambda facts: facts.expected_end is not None and not facts.failing,
        Scene(_pull(cast.WAITING), "/"),
    ),
    "merge-waiting": Act(
        f"Merge #{cast.WAITING}",
        lambda story: story.merge(cast.WAITING),
        lambda facts: Milestone.THAWED in facts.reached and cast.WAITING in facts.mergeable,
        Scene(_pull(cast.WAITING)),
    ),
    "break-policy": Act(
        "Commit a mistake",
        Story.break_policy,
        lambda facts: not facts.mistaken,
        Scene(f"/{cast.SHOP}/blob/main/{cast.POLICY}", "/policies"),
    ),
    "mend-policy": Act(
        "Mend it",
        Story.mend_policy,
        lambda facts: facts.mistaken,
        Scene(f"/{cast.SHOP}/blob/main/{cast.POLICY}", "/policies"),
    ),
    "real-time": Act("Real time", lambda story: story.run(1)),
    "fast": Act("A minute a second", lambda story: story.run(FAST)),
    "hour": Act("+1 h", lambda story: story.jump(timedelta(hours=1))),
    "day": Act("+1 day", lambda story: story.jump(timedelta(days=1))),
}
