"""Who and what the demo's story is about: acme's shop with its services, promises, people and open pull requests."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.resources import files

from gatekeeper.demo.github import World, acme
from gatekeeper.demo.history import History, Workload, at_ago

SHOP = "acme/shop"
SERVICE = "checkout"
KEY = f"acme/{SERVICE}"
POLICY = f"policies/{SERVICE}.yaml"
DEV, OPS, OUTSIDER = "dev1", "ops1", "outsider"
FEATURE, WAITING, FIX, DOCS, SEARCH = PULLS = 1, 2, 3, 4, 5
"""The pull requests that are open when the curtain rises, by number."""

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
RECORDED = 36 * DAY
"""How far the history goes back: a window, what the thaw rule looks at, and a day of baseline."""

CODE = {
    "services/catalogue/app.py": "def show(product):\n    return product.page\n",
    "services/newsletter/app.py": "def send(news, reader):\n    reader.inbox.append(news)\n",
}


@dataclass(frozen=True)
class _Opening:
    title: str
    path: str
    text: str
    body: str
    labels: tuple[str, ...] = ()


OPENINGS = (
    _Opening(
        "Pay with one click",
        "services/checkout/app.py",
        "def pay(cart, card=None):\n    return cart.total if card is None else card.charge(cart.total)\n",
        "Marketing announced it for this week. A **feature**: it waits while the error budget is spent.",
    ),
    _Opening(
        "Gift cards",
        "services/checkout/gift_cards.py",
        "def redeem(card, cart):\n    return cart.total - card.value\n",
        "Another **feature**, and nobody is in a hurry.",
    ),
    _Opening(
        "Try the bank a second time when it does not answer",
        "services/checkout/bank.py",
        "def charge(card, amount):\n    return retry(card.bank.charge, amount, times=2)\n",
        "A **fix**: operations labelled it `reliability`, which checkout's policy never makes wait.",
        ("reliability",),
    ),
    _Opening(
        "Say how refunds work",
        "docs/refunds.md",
        "# Refunds\n\nMoney comes back within five days.\n",
        "Documentation: no service's promise covers it.",
    ),
    _Opening(
        "Search understands synonyms",
        "services/search/synonyms.py",
        'SYNONYMS = {"sofa": "couch"}\n',
        "It has nothing to do with checkout, and search keeps its promise.",
    ),
)


def policies() -> dict[str, str]:
    """The shop's policy files, by path."""
    folder = files("gatekeeper.demo") / "policies"
    return {
        f"policies/{one.name}": one.read_text("utf-8")
        for one in folder.iterdir()
        if one.name.endswith(".yaml")
    }


def world(clock: Callable[[], datetime], *, public_key: str, signing_clock: Callable[[], datetime]) -> World:
    """The simulated GitHub with acme's pull requests open."""
    made = acme(clock, public_key=public_key, shop=CODE | policies())
    made.signing_clock = signing_clock
    made.set_role(
        SHOP, OUTSIDER, "triage"
    )  # may label, which GitHub allows; entitled to override is somebody else
    for one in OPENINGS:
        pull = made.open_pull(
            SHOP,
            author=DEV,
            title=one.title,
            files={one.path: one.text},
            body=one.body,
            branch=f"{DEV}/{one.title.lower().replace(' ', '-')}",
        )
        for label in one.labels:  # it exempts from the hand of those who may let changes through
            made.label(SHOP, pull.number, label, by=OPS)
    return made


def history(present: datetime) -> History:
    """The last weeks of the shop's traffic.

    Checkout has a third of its budget left, and what cost most of it leaves the window in three days: so the thaw
    is near. The day is busiest shortly after the demo begins, so that the story takes the same time at any hour.
    """
    bad_deploy = at_ago(present, 25 * DAY - HOUR, minutes=20, share=0.38)
    slow_bank = at_ago(present, 9 * DAY + 5 * HOUR, minutes=14, share=0.06)
    full_disk = at_ago(present, 6 * DAY, minutes=35, share=0.2)
    return History(
        (
            Workload("checkout", 900, 0.00003, instances=2, outages=(bad_deploy, slow_bank)),
            Workload("catalogue", 2400, 0.00012, outages=(at_ago(present, 17 * DAY, minutes=9, share=0.3),)),
            Workload("search", 1500, 0.00015, outages=(full_disk,)),
            Workload("newsletter", 40, 0.0008, swing=0.9),
        ),
        present - RECORDED,
        busiest=present + 2 * HOUR,
    )
