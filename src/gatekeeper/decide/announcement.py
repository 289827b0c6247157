"""What our checks say before there is anything to judge: that they can be made required, and how."""

from dataclasses import dataclass

from gatekeeper.decide import desired, proposal
from gatekeeper.decide.markdown import code

TITLE = "Nothing is judged yet: make this check required"
_PURPOSE = {
    desired.CHECK_NAME: (
        "Once it is required, a pull request waits for the gate of the services that it touches; one that touches none "
        "gets a skipped check, which passes."
    ),
    proposal.CHECK_NAME: (
        "Once it is required, a pull request waits while it has mistakes in policy files, or loosens a gate without "
        "one of its owners. It is needed where policy files are kept."
    ),
}
_NEXT = {
    desired.CHECK_NAME: "Put a policy into `policies/`, or let `gatekeeper init` propose one; begin with observing.",
    proposal.CHECK_NAME: "Name the people who may loosen a gate in each policy: `metadata.owners`.",
}
_TEXT = """\
Gatekeeper sees this repository. This check is here so that its name, {check}, can be chosen as a required one: GitHub
offers only checks that ran within the last seven days. It judges nothing and blocks nothing yet. {purpose}

### What to do next

1. *Settings → Rules → Rulesets → New branch ruleset*: target {branch}, *Require status checks to pass*, add {check},
   and choose this App as its source, so that nobody else can forge it.
2. {next}
3. `gatekeeper doctor`, or the page `/status` of the server, says whether the gate is on.
"""


@dataclass(frozen=True)
class Announcement:
    """A check run that judges nothing; its summary is Markdown."""

    title: str
    summary: str


def announce(check: str, branch: str) -> Announcement:
    """What the check of this name says on the newest commit of a branch."""
    told = _TEXT.format(check=code(check), branch=code(branch), purpose=_PURPOSE[check], next=_NEXT[check])
    return Announcement(TITLE, told)
