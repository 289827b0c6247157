"""One document of a policy file on its way to a service: what it says, and what is wrong with it."""

from dataclasses import dataclass, replace
from typing import get_args

from pydantic import ValidationError

from gatekeeper.policy.defaults import Defaults
from gatekeeper.policy.document import Document, Map, Node, Scalar, plain
from gatekeeper.policy.findings import findings, locate
from gatekeeper.policy.keys import KeyCheck
from gatekeeper.policy.native import ApiVersion, DefaultsFile, Kind, ServiceFile
from gatekeeper.policy.problem import Mark, Problem, Severity
from gatekeeper.policy.rules import nearest

_KINDS, _VERSIONS = get_args(Kind), get_args(ApiVersion)
_ELSEWHERE = (
    "move it out of the folder of policies, or begin with apiVersion: gatekeeper/v1 and kind: Service"
)


@dataclass(frozen=True)
class Draft:
    """A document as far as it has been read.

    Attributes:
        root: the document, without the keys that have been reported.
        is_defaults: whether it is a ``kind: Defaults``.
        problems: what is wrong with it so far.
        content: it fits its model; None until that is known, and if it does not.
    """

    root: Node
    is_defaults: bool
    problems: tuple[Problem, ...]
    content: ServiceFile | DefaultsFile | None = None

    @property
    def mark(self) -> Mark:
        """Where the document starts."""
        return self.root.mark

    @property
    def ok(self) -> bool:
        """Whether nothing keeps it from being used."""
        return self.content is not None and not any(one.severity is Severity.ERROR for one in self.problems)

    @property
    def name(self) -> Scalar | None:
        """The service's name as it is written, wherever the rest may be wrong."""
        node, _ = locate(self.root, ("metadata", "name"))
        return node if isinstance(node, Scalar) and isinstance(node.value, str) else None

    def with_problems(self, *problems: Problem) -> "Draft":
        """The same with more problems."""
        return replace(self, problems=self.problems + problems)


def draft(document: Document, defaults: Defaults | None = None) -> Draft:
    """Hold a document against the model of its kind, a service with defaults under it."""
    root = document.root
    if foreign := _foreign(root):
        return Draft(root, is_defaults=False, problems=(*document.problems, foreign))
    model = DefaultsFile if is_defaults(root) else ServiceFile
    check = KeyCheck(model)
    stripped = check.strip(root)
    problems = [*document.problems, *check.problems]
    if defaults is not None and model is ServiceFile:
        stripped = defaults.under(stripped)
    content, found = _validated(model, stripped, check)
    told = {(one.path, one.line, one.column) for one in document.problems}
    found = tuple(one for one in found if (one.path, one.line, one.column) not in told)
    return Draft(stripped, model is DefaultsFile, (*problems, *found), content)


def is_defaults(root: Node) -> bool:
    """Whether a document says, or means to say, that it is a ``kind: Defaults``."""
    kind = root.nodes.get("kind") if isinstance(root, Map) else None
    text = kind.value if isinstance(kind, Scalar) else None
    return isinstance(text, str) and nearest(text, ["Service", "Defaults"]) == "Defaults"


def _foreign(root: Node) -> Problem | None:
    """The problem of a document that is no policy of ours at all, or none."""
    if not isinstance(root, Map):
        return Problem.at(
            root.mark, "a policy file is a block of keys", "start with apiVersion: gatekeeper/v1"
        )
    return _no_policy(root)


def _no_policy(root: Map) -> Problem | None:
    """The problem of a document that is about something else, or none."""
    if not any(nearest(key, ServiceFile.model_fields) for key in root.nodes):
        message = "this is no policy: it has neither apiVersion nor kind, metadata or spec"
        return Problem.at(root.mark, message, _ELSEWHERE)
    kind, version = (_text(root, key) for key in ("kind", "apiVersion"))
    if kind and version and not nearest(kind, _KINDS) and not nearest(version, _VERSIONS):
        return Problem.at(root.mark, f"this is a {kind[:40]} of {version[:40]}, no policy", _ELSEWHERE)
    return None


def _text(root: Map, key: str) -> str:
    """The text at a key of a document's root, or none."""
    node = root.nodes.get(key)
    return node.value if isinstance(node, Scalar) and isinstance(node.value, str) else ""


def _validated(
    model: type[ServiceFile | DefaultsFile], root: Node, check: KeyCheck
) -> tuple[ServiceFile | DefaultsFile | None, tuple[Problem, ...]]:
    try:
        return model.model_validate(plain(root)), ()
    except ValidationError as error:
        return None, tuple(findings(error, model=model, node=root, excused=check.excused))
