"""Requests as a table writes them: ``installation GET /repos/acme/shop/check-runs/{run}``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import requests

    from standin.client import Client

SHOP = "/repos/acme/shop"
RUN = {"name": "gatekeeper", "head_sha": "{head}"}
OUTPUT = {"title": "Frozen", "summary": "Spent."}
BUTTON = {"label": "Re-evaluate", "description": "Look again", "identifier": "recheck"}
REPORT = {"environment_name": "production", "comment": "checkout is frozen."}
REMARK = {"path": "a.py", "start_line": 1, "end_line": 1, "annotation_level": "failure", "message": "No."}


class Names(dict[str, object]):
    """What stands for the names in braces."""

    def fill(self, value: Any) -> Any:
        """The value with each ``{name}`` filled in, however deep."""
        if isinstance(value, str):
            return re.sub(r"\{(\w+)\}", lambda found: str(self[found[1]]), value)
        if isinstance(value, dict):
            return {key: self.fill(inner) for key, inner in value.items()}
        return [self.fill(inner) for inner in value] if isinstance(value, list) else value

    def send(self, clients: dict[str, Client], asked: str, body: Any) -> requests.Response:
        """Send a line of a table: who asks, the method, the path."""
        who, method, path = self.fill(asked).split(" ", 2)
        return clients[who].request(method, path, json=self.fill(body))
