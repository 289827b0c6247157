"""People at work on GitHub, as dice say; the same dice, the same acts, whatever Gatekeeper does meanwhile."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gatekeeper.demo.github.acme import APP_ID
from gatekeeper.demo.github.errors import Refused

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from gatekeeper.demo.github import World

SHOP = "acme/shop"


@dataclass
class People:
    """Pull requests are opened, pushed to, labelled, discussed, closed; deployments are started.

    Attributes:
        open: the pull requests that may be acted on.
        acts: how often what was done.
    """

    world: World
    dice: random.Random
    open: list[int] = field(default_factory=list)
    acts: Counter[str] = field(default_factory=Counter)
    _closed: list[int] = field(default_factory=list)
    _exempt: set[int] = field(default_factory=set)

    def act(self) -> None:
        """Somebody does something."""
        (what,) = self.dice.choices([*WEIGHTS], [*WEIGHTS.values()])
        number = self.dice.choice(self.open) if self.open else 0
        with suppress(Refused):  # GitHub refuses some of it, in each run the same
            what(self, number)
        self.acts[what.__name__] += 1

    def open_pull(self, _: int = 0) -> None:
        """dev1 proposes a change of a service, or of none."""
        service = self.dice.choice(["checkout", "checkout", "search", "nothing"])
        made = self.world.open_pull(
            SHOP,
            author="dev1",
            title=f"A change of {service}",
            files=self._files(service),
            base=self.dice.choice(["main", "main", "release"]),
            draft=self.dice.random() < 0.1,
        )
        self.open.append(made.number)

    def push(self, number: int) -> None:
        """dev1 adds a commit."""
        service = self.dice.choice(["checkout", "search"])
        branch = self.world.pull(SHOP, number).head_ref
        self.world.push_commit(SHOP, branch, self._files(service), by="dev1")

    def exempt_or_not(self, number: int) -> None:
        """ops1 exempts it, or takes that back."""
        change = self.world.unlabel if number in self._exempt else self.world.label
        self._exempt ^= {number}
        change(SHOP, number, "reliability", by="ops1")

    def label(self, number: int) -> None:
        """dev1 puts a label on it that means nothing to us."""
        self.world.label(SHOP, number, self.dice.choice(["bug", "later"]), by="dev1")

    def talk(self, number: int) -> None:
        """po1 says something, and says it better."""
        made = self.world.comment_on(SHOP, number, "Looks good.", by="po1")
        self.world.edit_comment(SHOP, made.id, "Looks very good.", by="po1")

    def command(self, number: int) -> None:
        """dev1 asks Gatekeeper to look again."""
        self.world.comment_on(SHOP, number, "/gatekeeper recheck", by="dev1")

    def rerun(self, number: int) -> None:
        """dev1 clicks re-run, where there is a check."""
        head = self.world.pull(SHOP, number).head_sha
        ours = [one for one in self.world.checks.values() if (one.head_sha, one.app_id) == (head, APP_ID)]
        if ours:
            self.world.click_rerun(SHOP, ours[0].id, by="dev1")

    def close(self, number: int) -> None:
        """dev1 gives up."""
        self.world.close(SHOP, number, by="dev1")
        self.open.remove(number)
        self._closed.append(number)

    def reopen(self, _: int) -> None:
        """dev1 thinks better of the last one that was given up."""
        if self._closed:
            number = self._closed.pop()
            self.world.reopen(SHOP, number, by="dev1")
            self.open.append(number)

    def deploy(self, _: int) -> None:
        """dev1 starts a workflow that deploys."""
        self.world.run_workflow(SHOP, by="dev1", environments=["production", "staging"])

    def ask_to_deploy(self, _: int) -> None:
        """dev1 has the API deploy, whatever the commit's statuses say."""
        environment = self.dice.choice(["production", "staging"])
        self.world.ask_deployment(SHOP, by="dev1", contexts=[], environment=environment)

    def _files(self, service: str) -> dict[str, str]:
        return {f"services/{service}/{self.dice.randrange(10**9)}.py": "x = 1\n"}


WEIGHTS: dict[Callable[[People, int], None], float] = {
    People.open_pull: 6,
    People.push: 5,
    People.exempt_or_not: 4,
    People.label: 2,
    People.talk: 1,
    People.command: 3,
    People.rerun: 2,
    People.close: 3,
    People.reopen: 1,
    People.deploy: 1,
    People.ask_to_deploy: 1,
}
