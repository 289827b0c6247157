"""Repositories that get another name or another owner, or are deleted.

Source: GitHub's "Renaming a repository" and "Transferring a repository": all of it goes along, under the same id, and
the API answers at the old address with a redirect to the id.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from gatekeeper.demo.github import hooks

if TYPE_CHECKING:
    from gatekeeper.demo.github.records import Records

_NAMING = (
    "roles",
    "branches",
    "labels",
    "pulls",
    "comments",
    "reviews",
    "events",
    "suites",
    "checks",
    "statuses",
    "required",
    "activities",
    "queued",
    "queues",
    "deployments",
    "deployment_statuses",
    "protected",
    "runs",
    "installations",
    "tokens",
)
"""The records that name repositories."""


def rename(records: Records, full_name: str, name: str, *, by: str) -> None:
    """Give a repository another name."""
    owner, _, before = full_name.partition("/")
    _move(records, full_name, owner, name)
    changes = {"repository": {"name": {"from": before}}}
    hooks.repository(records, f"{owner}/{name}", "renamed", by, changes=changes)


def transfer(records: Records, full_name: str, owner: str, *, by: str) -> None:
    """Give a repository to another organisation; only an App that is installed there hears of it."""
    before, _, name = full_name.partition("/")
    told = {"user": hooks.user(records, before)}
    _move(records, full_name, owner, name)
    hooks.repository(records, f"{owner}/{name}", "transferred", by, changes={"owner": {"from": told}})


def rename_organization(records: Records, login: str, name: str, *, by: str) -> None:
    """Give an organisation another name: its repositories, teams and installations go along."""
    records.accounts[name] = replace(records.accounts.pop(login), login=name)
    for full_name in [one for one in records.repositories if one.startswith(f"{login}/")]:
        _move(records, full_name, name, full_name.partition("/")[2])
    records.teams = {
        (name if team.organization == login else team.organization, team.slug): replace(
            team, organization=name if team.organization == login else team.organization
        )
        for team in records.teams.values()
    }
    for app in [one for one in records.apps.values() if one.owner == login]:
        records.apps[app.id] = replace(app, owner=name)
    for one in [*records.installations.values()]:
        if one.account == login:
            records.installations[one.id] = renamed = replace(one, account=name)
            hooks.installation_target(records, renamed, by, former=login)


def delete(records: Records, full_name: str, *, by: str) -> None:
    """Delete a repository: every address in it is not found from then on."""
    hooks.repository(records, full_name, "deleted", by)
    del records.repositories[full_name]


def _move(records: Records, full_name: str, owner: str, name: str) -> None:
    records.account(owner)
    one, new = records.repositories.pop(full_name), f"{owner}/{name}"
    records.repositories[new] = replace(one, owner=owner, name=name)
    records.moved[full_name] = one.id
    for field in _NAMING:
        setattr(records, field, _renamed(getattr(records, field), full_name, new))


def _renamed(value: Any, old: str, new: str) -> Any:
    """The value with each name in it, however deep, replaced."""
    if isinstance(value, str):
        return new if value == old else value
    if isinstance(value, (list, tuple, set, frozenset)):
        return type(value)(_renamed(one, old, new) for one in value)
    if isinstance(value, Mapping):
        found = {_renamed(key, old, new): _renamed(one, old, new) for key, one in value.items()}
        return MappingProxyType(found) if isinstance(value, MappingProxyType) else found
    if is_dataclass(value) and not isinstance(value, type):
        told = {one.name: getattr(value, one.name) for one in fields(value) if one.init}
        changed = {name: _renamed(held, old, new) for name, held in told.items()}
        return value if changed == told else replace(value, **changed)
    return value
