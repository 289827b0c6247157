"""Files of other tools written anew as policy files of ours."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import yaml

from gatekeeper.policy.document import Document, plain, read
from gatekeeper.policy.foreign.adopt import adopt, tool
from gatekeeper.policy.loader import PolicyFile


@dataclass(frozen=True)
class Rewritten:
    """A policy file of ours.

    Attributes:
        service: its name.
        text: YAML; what is not carried over stands above it, as comments.
    """

    service: str
    text: str


def rewritten(files: Iterable[PolicyFile]) -> Iterator[Rewritten]:
    """One file for each service that files of other tools describe; documents of ours are left out.

    What is wrong with a file is not said here: loading it says so.
    """
    documents = _documents(files)
    foreign, _ = adopt(documents)
    for one in foreign:
        if one not in documents:
            found = plain(one.root)
            lines = [f"# {problem}" for problem in sorted(set(one.problems))]
            body = yaml.safe_dump(found, sort_keys=False, allow_unicode=True, width=120)
            yield Rewritten(str(found["metadata"]["name"]), "\n".join([*lines, body]))


def are_there(files: Iterable[PolicyFile]) -> bool:
    """Whether any of these files is another tool's."""
    return any(tool(one) is not None for one in _documents(files))


def _documents(files: Iterable[PolicyFile]) -> list[Document]:
    return [one for file in files for one in read(file.path, file.text) if isinstance(one, Document)]
