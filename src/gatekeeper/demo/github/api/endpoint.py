"""What every endpoint does before and after its own work: who asks, may they, which page, as JSON."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlencode

from flask import Blueprint, Response, current_app, g, jsonify, request

from gatekeeper.demo.github import auth
from gatekeeper.demo.github.conversation import Actor
from gatekeeper.demo.github.errors import Refused, unprocessable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gatekeeper.demo.github.auth import Caller
    from gatekeeper.demo.github.deliveries import Delivery
    from gatekeeper.demo.github.entities import Activity, Commit
    from gatekeeper.demo.github.world import World

MOST_A_PAGE = 100
DEFAULT_A_PAGE = 30
Scope = Literal["open", "app", "token", "organization"]
Needs = Scope | tuple[str, str]  # a permission and its level, in the repository that the path names
Answer = Any  # a JSON value, or (a JSON value, the status)


@dataclass(frozen=True, slots=True)
class Ask:
    """One request: the world it is about, who asks, and the repository its path names (``""`` when none)."""

    world: World
    caller: Caller
    repository: str

    @property
    def actor(self) -> Actor:
        """The account the caller writes under.

        Raises:
            Refused: 401, nobody writes anonymously.
        """
        if self.caller.token is not None:
            installation = self.world.installations[self.caller.token.installation_id]
            app = self.world.apps[installation.app_id]
            return Actor(app.bot, app.id)
        if self.caller.login is None:
            raise Refused(401, "Requires authentication")
        return Actor(self.caller.login)

    def json(self) -> Any:
        """The request's JSON value; no body is an empty object.

        Raises:
            Refused: 400 for what is not JSON.
        """
        if not request.get_data():
            return {}
        found = request.get_json(force=True, silent=True)
        if found is None:
            raise Refused(400, "Problems parsing JSON")
        return found

    def body(self) -> dict[str, Any]:
        """The request's JSON object; no body is an empty one.

        Raises:
            Refused: 400 for what is not JSON, 422 for what is not an object.
        """
        found = self.json()
        if not isinstance(found, dict):
            raise unprocessable(f"{type(found).__name__} is not an object.")
        return found

    def text(self, name: str) -> str:
        """A text the request's body must have.

        Raises:
            Refused: 422.
        """
        value = self.body().get(name)
        if not isinstance(value, str):
            raise unprocessable(f'"{name}" wasn\'t supplied as a string.')
        return value

    def require(self, permission: str, level: str) -> None:
        """Check a permission that the endpoint asks for later than its others.

        Raises:
            Refused: 403.
        """
        auth.require_repository(self.world, self.caller, self.repository, permission, level)

    def commit(self, ref: str) -> Commit:
        """The commit that a path names by SHA or branch.

        Raises:
            Refused: 422, as GitHub answers for commits.
        """
        try:
            return self.world.resolve(self.repository, ref)
        except Refused:
            raise Refused(422, f"No commit found for SHA: {ref}") from None

    def cursor_page(
        self,
        found: Sequence[Delivery] | Sequence[Activity],
        shape: Callable[[Any], dict[str, Any]],
        name: str = "cursor",
    ) -> list[dict[str, Any]]:
        """The first page of what is left after the cursor; the Link header has the next cursor."""
        size = min(MOST_A_PAGE, _number("per_page", DEFAULT_A_PAGE))
        if len(found) > size:
            query = urlencode(request.args.to_dict() | {name: f"v1_{found[size].id}"})
            g.headers = {"Link": f'<{self.world.url}{request.path}?{query}>; rel="next"'}
        return [shape(one) for one in found[:size]]

    def page(self, found: Sequence[Any], shape: Callable[[Any], dict[str, Any]]) -> list[dict[str, Any]]:
        """The page asked for, in JSON; the Link header tells where the others are."""
        size = min(MOST_A_PAGE, _number("per_page", DEFAULT_A_PAGE))
        page = _number("page", 1)
        last = max(1, math.ceil(len(found) / size))
        targets = {"prev": page - 1, "next": page + 1, "last": last, "first": 1}
        wanted = [name for name in targets if (page > 1 if name in {"prev", "first"} else page < last)]
        if wanted:
            g.headers = {"Link": ", ".join(f'<{self._link(targets[name])}>; rel="{name}"' for name in wanted)}
        return [shape(one) for one in found[(page - 1) * size : page * size]]

    def _link(self, page: int) -> str:
        query = request.args.to_dict() | {"page": str(page)}
        return f"{self.world.url}{request.path}?{urlencode(query)}"


def _number(name: str, otherwise: int) -> int:
    given = request.args.get(name, "")
    return int(given) if given.isdecimal() and int(given) else otherwise


def endpoint(
    blueprint: Blueprint, method: str, path: str, needs: Needs
) -> Callable[[Callable[..., Answer]], Callable[..., Answer]]:
    """Serve ``method path`` with a function of the ask and the path's other variables."""

    def register(view: Callable[..., Answer]) -> Callable[..., Answer]:
        @wraps(view)
        def served(**variables: Any) -> Response:
            world: World = current_app.extensions["github"].world
            with world.lock:
                repository = ""
                if "owner" in variables and "repo" in variables:
                    repository = f"{variables.pop('owner')}/{variables.pop('repo')}"
                if repository in world.moved and repository not in world.repositories:
                    return _moved(world, repository)
                ask = Ask(world, g.caller, repository)
                _authorize(ask, needs, variables)
                return _respond(view(ask, **variables))

        blueprint.add_url_rule(path, f"{method} {path}".replace(".", "_"), served, methods=[method])
        return view

    return register


def _moved(world: World, repository: str) -> Response:
    """The way to a repository's present address: by its id, and without the query."""
    rest = request.path.removeprefix(f"/repos/{repository}")
    address = f"{world.url}/repositories/{world.moved[repository]}{rest}"
    response = jsonify({"message": "Moved Permanently", "url": address})
    response.status_code = 301 if request.method == "GET" else 307
    response.headers["Location"] = address
    return response


def _authorize(ask: Ask, needs: Needs, variables: dict[str, Any]) -> None:
    if needs == "app":
        auth.require_app(ask.caller)
    elif needs == "token":
        if ask.caller.token is None and ask.caller.login is None:
            raise Refused(401, "Requires authentication")
    elif needs == "organization":
        auth.require_organization(ask.world, ask.caller, variables["org"])
    elif isinstance(needs, tuple):
        auth.require_repository(ask.world, ask.caller, ask.repository, *needs)


def _respond(answer: Answer) -> Response:
    data, status = answer if isinstance(answer, tuple) else (answer, 200)
    if data is None:
        return Response(status=status)
    response = jsonify(data)
    response.status_code = status
    return response
