"""Where a policy says something: the place of a key of a service in its file."""

from gatekeeper.policy.document import Document, Items, Node, Scalar, read
from gatekeeper.policy.findings import locate
from gatekeeper.policy.loader import PolicyFile
from gatekeeper.policy.problem import Mark


def place_of(file: PolicyFile, service: str, *path: str | int) -> Mark:
    """The place of a key or value of a service, as near as the file comes to it; else the file's beginning.

    Args:
        file: the file that declares the service.
        service: its name.
        path: keys and positions from the document's top; an objective by its name.
    """
    for document in read(file.path, file.text):
        if isinstance(document, Document) and _named(document.root, ("metadata", "name")) == service:
            _, place = locate(document.root, _positions(document.root, path))
            return place
    return Mark(file.path)


def _positions(root: Node, path: tuple[str | int, ...]) -> tuple[str | int, ...]:
    """The path with an objective's name replaced by its position."""
    if path[:2] != ("spec", "objectives") or len(path) < 3 or isinstance(path[2], int):  # noqa: PLR2004 - its name is the third
        return path
    listed, _ = locate(root, path[:2])
    named = (
        [_named(one, ("name",)) or "availability" for one in listed.nodes]
        if isinstance(listed, Items)
        else []
    )
    return (*path[:2], named.index(path[2]), *path[3:]) if path[2] in named else path[:2]


def _named(node: Node, path: tuple[str, ...]) -> object:
    found, _ = locate(node, path)
    return found.value if isinstance(found, Scalar) else None
