"""What a single value of a policy may be: names, repositories, branches, paths, teams, labels, queries."""

import difflib
import re
import zoneinfo
from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from functools import cache
from typing import Annotated, Any, get_args

import pathspec
from pydantic import AfterValidator

from gatekeeper.availability.window import Rolling, Unit
from gatekeeper.policy import shapes
from gatekeeper.policy.latency import histogram
from gatekeeper.policy.mistake import MistakeError
from gatekeeper.policy.selector import classify, gauge
from gatekeeper.policy.units import format_duration, parse_duration, write_duration, write_share

SHORTEST_WINDOW, LONGEST_WINDOW = timedelta(hours=1), timedelta(days=90)
OWN_LABELS = ("slo:caution", "slo:frozen")
_LONGEST_NAME, _LONGEST_LABEL, _LONGEST_PATTERN = 63, 50, 255
_LONGEST_LINK, _LONGEST_REASON, _LONGEST_ENVIRONMENT = 500, 300, 255
_MOST_STARS, _MOST_STARS_BETWEEN_SLASHES = 4, 2
_NAME = re.compile(r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?", re.ASCII)
_REPOSITORY = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})/[A-Za-z0-9._-]{1,100}", re.ASCII)
_TEAM = re.compile(r"@[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})/[a-z0-9][a-z0-9_-]*", re.ASCII)
_USER = re.compile(r"@[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})", re.ASCII)
_OWNER = re.compile(f"{_TEAM.pattern}|{_USER.pattern}", re.ASCII)
_LINK = re.compile(r"https://[^\s<>\"`|\\]+")
_LABEL_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_NESTED_SET = re.compile(r"\[[^\]]*(?:\[|&&|\|\||~~|--)")


def nearest(word: str, words: Iterable[str]) -> str:
    """The word most like this one, or nothing if none is."""
    return next(iter(difflib.get_close_matches(word[:80], sorted(words), n=1)), "")


def _name(value: str) -> str:
    if _NAME.fullmatch(value) and len(value) <= _LONGEST_NAME:
        return value
    meant = re.sub(r"[^a-z0-9]+", "-", value.lower()).strip("-")[:_LONGEST_NAME].strip("-")
    raise MistakeError(
        f'"{value[:80]}" is no name: lower-case letters, digits and inner hyphens, at most {_LONGEST_NAME}',
        f"write {meant}" if meant else "write a name such as checkout",
    )


def _repository(value: str) -> str:
    if _REPOSITORY.fullmatch(value):
        return value
    url = re.fullmatch(r"(?:https?://[^/]+/|git@[^:]+:)([^/]+/[^/]+?)(?:\.git)?/?", value)
    raise MistakeError(
        f'"{value}" is no repository', f"write {url[1] if url else 'it as owner/name, such as acme/shop'}"
    )


def _branch(value: str) -> str:
    if value.startswith("refs/heads/"):
        raise MistakeError(f'"{value}" is a ref, no branch', f"write {value.removeprefix('refs/heads/')}")
    if value.startswith("!"):
        raise MistakeError("a branch cannot be excluded", "list the branches that count")
    if not value or re.search(r"[\s~^:\\\[\]{}]|\.\.|^/|/$", value) or len(value) > _LONGEST_PATTERN:
        raise MistakeError(
            f'"{value[:80]}" is no branch', "write a name or a glob with *, ** and ?, such as release/*"
        )
    _few_stars(value)
    return value


def _path_pattern(value: str) -> str:
    meant = value.removeprefix("./").replace("\\", "/")
    if meant != value and not re.search(r"\\[ !#*?\[\]]", value):
        raise MistakeError(f'"{value}" never matches a path on GitHub', f"write {meant}")
    if value.startswith("../") or "/../" in value:
        raise MistakeError(f'"{value}" leaves the repository', "write paths from the repository's root")
    if len(value) > _LONGEST_PATTERN:
        raise MistakeError(
            f"a pattern is at most {_LONGEST_PATTERN} characters long", "match the folder instead"
        )
    _few_stars(value)
    if not _matches_something(value):
        raise MistakeError(
            f'"{value}" is no path pattern', "write it as in .gitignore, such as services/checkout/**"
        )
    return value


def _matches_something(pattern: str) -> bool:
    """Whether gitignore gives the pattern a meaning: no comment, no blank, no broken set."""
    if _NESTED_SET.search(pattern):
        return False
    try:
        lines = pathspec.GitIgnoreSpec.from_lines([pattern]).patterns
    except (ValueError, re.error):
        return False
    return bool(lines) and lines[0].include is not None


def _few_stars(pattern: str) -> None:
    # Each star multiplies the ways in which a long path, chosen by anybody who opens a pull request, can fail to match.
    stars = [len(re.findall(r"\*+", segment)) for segment in pattern.split("/")]
    if sum(stars) > _MOST_STARS or max(stars) > _MOST_STARS_BETWEEN_SLASHES:
        raise MistakeError(
            f"a pattern has at most {_MOST_STARS} stars, and {_MOST_STARS_BETWEEN_SLASHES} between two slashes",
            "match the folder, or write two patterns",
        )


def _patterns(values: tuple[str, ...]) -> tuple[str, ...]:
    if values and all(value.startswith("!") for value in values):
        raise MistakeError("these patterns only exclude", 'put "**" first')
    return values


def _team(value: str) -> str:
    if _TEAM.fullmatch(value):
        return value
    if _TEAM.fullmatch(meant := "@" + value.strip().lstrip("@").lower().replace(" ", "-")):
        raise MistakeError(f'"{value}" is no team', f'write "{meant}"')
    raise MistakeError(f'"{value}" is no team', 'write it as GitHub mentions it: "@acme/sre"')


def _owner(value: str) -> str:
    if _TEAM.fullmatch(value) or _USER.fullmatch(value):
        return value
    meant = "@" + value.strip().lstrip("@")
    if _TEAM.fullmatch(meant) or _USER.fullmatch(meant):
        raise MistakeError(f'"{value}" is no owner', f'write "{meant}"')
    raise MistakeError(
        f'"{value[:80]}" is no owner',
        'write a team or a user as GitHub mentions them: "@acme/checkout-product"',
    )


def _label(value: str) -> str:
    if not value.strip() or len(value) > _LONGEST_LABEL or value != value.strip():
        raise MistakeError(f'"{value[:80]}" is no label of GitHub', f"write 1 to {_LONGEST_LABEL} characters")
    if value.casefold() in OWN_LABELS:
        raise MistakeError(f'Gatekeeper sets the label "{value}" itself', "choose another one")
    return value


def _reason(value: str) -> str:
    if not value.strip() or len(value) > _LONGEST_REASON:
        raise MistakeError(
            f"a reason is 1 to {_LONGEST_REASON} characters long", "say what happened, and who agreed to it"
        )
    return " ".join(value.split())


def _query(value: str) -> str:
    classify(value)
    return value


def _link(value: str) -> str:
    if _LINK.fullmatch(value) and len(value) <= _LONGEST_LINK:
        return value
    raise MistakeError(f'"{value[:80]}" is no link', "write where it can be read: https://...")


def _up_query(value: str) -> str:
    gauge(value)
    return value


def _histogram(value: str) -> str:
    histogram(value)
    return value


def _target(value: Decimal) -> Decimal:
    if value == 1:
        raise MistakeError("a target of 100 % leaves no budget", "write less, such as 99.95%")
    if not 0 < value < 1:
        raise MistakeError(
            f"a target of {write_share(value)} is out of reach", "write more than 0% and less than 100%"
        )
    return value


def rolling_window(value: Any) -> Rolling:
    """A rolling window as it is written: its length.

    Raises:
        MistakeError: it is no duration, or too short or too long.
    """
    if isinstance(value, Rolling):
        return value
    if value in get_args(Unit):
        raise MistakeError(f'"{value}" is not a duration', f"write {{calendar: {value}}}")
    length = parse_duration(value)
    if SHORTEST_WINDOW <= length <= LONGEST_WINDOW:
        return Rolling(length)
    size = "short" if length < SHORTEST_WINDOW else "long"
    advice = f"write {format_duration(SHORTEST_WINDOW)} to {format_duration(LONGEST_WINDOW)}, such as 28d"
    if re.fullmatch(r"\d{1,2}\s*m", str(value).strip(), re.ASCII):
        advice += "; m is minutes, a month is {calendar: month}"
    raise MistakeError(f"a window of {format_duration(length)} is too {size}", advice)


def write_rolling_window(value: Rolling) -> str:
    """The window as a policy file says it."""
    return write_duration(value.length)


def occurrences(value: Any) -> str:
    """The budgeting method that needs no more than its name.

    Raises:
        MistakeError: it is another one.
    """
    if value == "occurrences":
        return "occurrences"
    raise MistakeError(
        f'"method" cannot be {str(value)[:40]}', "write occurrences, or {timeslices: {target: 99%}}"
    )


@cache
def _timezones() -> dict[str, str]:
    """The time zones of the world, by their names and by their cities, both in lower case."""
    names = sorted(zoneinfo.available_timezones() - {"Factory", "localtime"})
    return {name.rpartition("/")[2].lower(): name for name in names} | {name.lower(): name for name in names}


def _timezone(value: str) -> str:
    names = _timezones()
    if names.get(value.lower()) == value:
        return value
    asked = value[:80].strip().lower().replace(" ", "_")
    near = names.get(asked) or ("" if value.isupper() else names.get(nearest(asked, names)))
    raise MistakeError(
        f'"{value[:80]}" is no time zone',
        f'did you mean "{near}"?' if near else "write an IANA name, such as Europe/Paris",
    )


def _slice_target(value: Decimal) -> Decimal:
    if not 0 < value <= 1:
        raise MistakeError(f"a slice cannot be {write_share(value)} good", "write more than 0%, at most 100%")
    return value


def _environment(value: str) -> str:
    if value.strip() and value == value.strip() and len(value) <= _LONGEST_ENVIRONMENT:
        return value
    raise MistakeError(
        f'"{value[:80]}" is no environment of GitHub', f"write 1 to {_LONGEST_ENVIRONMENT} characters"
    )


def _label_name(value: str) -> str:
    if _LABEL_NAME.fullmatch(value):
        return value
    raise MistakeError(
        f'"{value[:80]}" is no label of Prometheus', "write a label that the query keeps, such as zone"
    )


def _iteration(value: timedelta) -> timedelta:
    if value % timedelta(days=1) or not timedelta(days=1) <= value <= LONGEST_WINDOW:
        raise MistakeError(
            f"an iteration of {format_duration(value)} is no number of days",
            f"write 1d to {format_duration(LONGEST_WINDOW)}, such as 2w",
        )
    return value


def _budget_share(value: Decimal) -> Decimal:
    if not 0 <= value <= 1:
        raise MistakeError(f"{write_share(value)} is no share of a budget", "write 0% to 100%")
    return value


def _positive(value: timedelta) -> timedelta:
    if value <= timedelta(0):
        raise MistakeError("this must last some time", "write a duration above 0, such as 24h")
    return value


Name = Annotated[str, AfterValidator(_name), shapes.text(_NAME, most=_LONGEST_NAME)]
Repository = Annotated[str, AfterValidator(_repository), shapes.text(_REPOSITORY)]
Branch = Annotated[
    str, AfterValidator(_branch), shapes.text(most=_LONGEST_PATTERN, ahead=r"(?!refs/heads/)(?!!)(?!/)")
]
PathPatterns = Annotated[
    tuple[Annotated[str, AfterValidator(_path_pattern), shapes.text(most=_LONGEST_PATTERN)], ...],
    AfterValidator(_patterns),
]
Team = Annotated[str, AfterValidator(_team), shapes.text(_TEAM)]
Owner = Annotated[str, AfterValidator(_owner), shapes.text(_OWNER)]
Label = Annotated[str, AfterValidator(_label), shapes.text(most=_LONGEST_LABEL)]
Reason = Annotated[str, AfterValidator(_reason), shapes.text(most=_LONGEST_REASON)]
Query = Annotated[str, AfterValidator(_query), shapes.text()]
Link = Annotated[str, AfterValidator(_link), shapes.text(_LINK, most=_LONGEST_LINK)]
UpQuery = Annotated[str, AfterValidator(_up_query), shapes.text()]
Histogram = Annotated[str, AfterValidator(_histogram), shapes.text()]
TargetRule = AfterValidator(_target)
SliceTargetRule = AfterValidator(_slice_target)
Timezone = Annotated[str, AfterValidator(_timezone), shapes.text()]
BudgetShareRule = AfterValidator(_budget_share)
PositiveRule = AfterValidator(_positive)
Environment = Annotated[str, AfterValidator(_environment), shapes.text(most=_LONGEST_ENVIRONMENT)]
LabelName = Annotated[str, AfterValidator(_label_name), shapes.text(_LABEL_NAME)]
IterationRule = AfterValidator(_iteration)
OCCURRENCES_SHAPE = {"const": "occurrences"}
