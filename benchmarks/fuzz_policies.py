"""Damaged policy files by the thousand: what the loader must never do, whatever is in them.

``python benchmarks/fuzz_policies.py --minutes 10`` runs until then and says how many files it read; the first
counter-example ends it, made as small as it can be. Run by hand: a fuzzer that runs in CI fails at random.
"""

import argparse
import re
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import yaml
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from gatekeeper.policy.document import Document, Map, plain
from gatekeeper.policy.document import read as read_yaml
from gatekeeper.policy.in_force import Before, put_in_force
from gatekeeper.policy.loader import Loaded, PolicyFile, load
from gatekeeper.policy.problem import Problem, Severity

ROOT = Path(__file__).parents[1]
SLOWEST_S = 10
CENTRAL = "acme/.github"
ODD_VALUES: list[Any] = [
    None, True, False, 0, -1, 1, 2**70, 0.5, float("nan"), float("inf"), "", " ", "~", "no", "on", "off", "0o17",
    "1:30", "99.95", "99,95%", "0.9995", "100%", "-5%", "28d", "1m", "1 month", "P28D", "-1h", "2026-11-08",
    "2026-02-30", "2026-11-08T02:00:00Z", "9999-12-31", "0001-01-01T00:00:00+14:00", "acme/shop", "other/shop",
    "@acme/sre", "x[$window]", "rate(x[$window])", "sum(increase(x[$window]))/sum(increase(y[$window]))", "x offset",
    'x{a=~"("}', "((((", "[a-", "!", "**", "../x", "\\", "<<", "=", "!!binary x", "*a", "&a", "{{ x }}", "\u2028",
    "\ufeff", "\ud7ff", "\U0010ffff", "e\u0301", "\u202e", "x" * 300, [], {}, [[]], {"a": {}}, [None], {"": None},
]  # fmt: skip
SPLICES = [
    "\t", ": ", "- ", "# ", "'", '"', "{", "}", "[", "]", ",", "|\n", ">-\n", "&a ", "*a", "!!python/object:x ",
    "---\n", "...\n", "%YAML 1.3\n", "<<: ", "? ", "\r", "\r\n", "\n", "\0", "\x85", "\u2028", "\ufeff", "\ufffd",
    "\xa0", "“", "”", "😀", "\u0301", "<<<<<<< HEAD\n", "```\n", "{{ x }}", "{% x %}", "apiVersion: gatekeeper/v1\n",
    "kind: Defaults\n", "~",
]  # fmt: skip


@dataclass
class Tally:
    """What a run has seen."""

    files: int = 0
    bytes: int = 0
    slowest_s: float = 0.0
    good: int = 0
    messages: set[str] = field(default_factory=set)

    def __str__(self) -> str:
        return (
            f"{self.files} loads of damaged files ({self.bytes / 1e6:.0f} MB), {self.good} without a mistake, "
            f"{len(self.messages)} sorts of messages, the slowest in {self.slowest_s * 1000:.0f} ms"
        )


TALLY = Tally()


def seeds() -> list[str]:
    """Valid files to damage, those of other tools, and the broken ones that are kept."""
    folders = [ROOT / "policies", ROOT / "tests" / "broken", ROOT / "tests" / "foreign"]
    paths = [path for folder in folders for path in folder.rglob("*.yaml")]
    return [path.read_bytes().decode(errors="replace") for path in sorted(paths)]


def trees(texts: list[str]) -> list[Any]:
    """The blocks of keys in the seeds, as far as they are YAML; read with our own limits, for some are bombs."""
    documents = [one for text in texts for one in read_yaml("seed", text) if isinstance(one, Document)]
    return [plain(one.root) for one in documents if isinstance(one.root, Map) and not one.problems]


SEEDS = seeds()
TREES = trees(SEEDS)


def places(tree: Any) -> Iterator[tuple[Any, Any]]:
    """Every container of a document with each key or position in it."""
    keys = list(tree) if isinstance(tree, dict) else range(len(tree)) if isinstance(tree, list) else ()
    for key in keys:
        yield tree, key
        yield from places(tree[key])


def copied(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {key: copied(value) for key, value in tree.items()}
    return [copied(value) for value in tree] if isinstance(tree, list) else tree


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """A document of which keys are dropped, renamed, retyped, moved or doubled; written as YAML again."""
    tree = copied(draw(st.sampled_from(TREES)))
    for _ in range(draw(st.integers(1, 4))):
        found = list(places(tree))
        if not found:
            break
        container, key = draw(st.sampled_from(found))
        change = draw(st.sampled_from(["drop", "retype", "text", "rename", "graft", "double"]))
        if change == "drop":
            del container[key]
        elif change == "retype":
            container[key] = copied(draw(st.sampled_from(ODD_VALUES)))
        elif change == "text":
            container[key] = draw(st.text(max_size=40))
        elif change == "graft":
            other, at = draw(st.sampled_from(found))
            container[key] = copied(other[at])
        elif change == "rename" and isinstance(container, dict):
            name = draw(st.one_of(st.text(max_size=12), st.sampled_from([str(one) for _, one in found])))
            container[name] = container.pop(key)
        elif isinstance(container, list):
            container.insert(key, copied(container[key]))
    style = draw(st.sampled_from([None, True, False]))
    return yaml.safe_dump(tree, allow_unicode=draw(st.booleans()), default_flow_style=style, sort_keys=False)


@st.composite
def spliced(draw: st.DrawFn, text: str) -> str:
    """A text with lines dropped, doubled and moved, and signs put in, taken out and replaced."""
    for _ in range(draw(st.integers(0, 5))):
        at = draw(st.integers(0, len(text)))
        to = min(len(text), at + draw(st.integers(0, 30)))
        put = draw(st.one_of(st.sampled_from(SPLICES), st.text(max_size=6)))
        change = draw(st.sampled_from(["insert", "delete", "replace", "double", "line"]))
        if change == "insert":
            text = text[:at] + put + text[at:]
        elif change == "delete":
            text = text[:at] + text[to:]
        elif change == "replace":
            text = text[:at] + put + text[to:]
        elif change == "double":
            text = text[:to] + text[at:]
        else:
            lines = text.split("\n")
            line = draw(st.integers(0, len(lines) - 1))
            text = "\n".join(
                [*lines[:line], draw(st.sampled_from(["", "  "])) + lines[line], *lines[line + 1 :]]
            )
    return text


@st.composite
def damaged(draw: st.DrawFn) -> str:
    """A file: a mutated document or a seed, or several, then damaged as text, then as bytes."""
    parts = draw(st.lists(st.one_of(mutated(), st.sampled_from(SEEDS)), min_size=1, max_size=2))
    text = draw(spliced(draw(st.sampled_from(["---\n", ""])).join(parts)))
    content = bytearray(text.encode("utf-8", "surrogatepass"))
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 3]))):
        if content:
            content[draw(st.integers(0, len(content) - 1))] = draw(st.integers(0, 255))
    return content.decode(errors="replace")


@contextmanager
def watched(text: str) -> Iterator[None]:
    """Ends the run if one file takes too long: nothing in the loader waits, so that is a hang."""

    def hung(_: int, __: FrameType | None) -> None:
        raise TimeoutError(f"still reading after {SLOWEST_S} s: {text[:200]!r}")

    signal.signal(signal.SIGALRM, hung)
    signal.alarm(SLOWEST_S)
    try:
        yield
    finally:
        signal.alarm(0)


def read(files: list[PolicyFile]) -> Loaded:
    """The files as loaded, timed and tallied. Whatever is raised ends the run."""
    text = "\n".join(file.text for file in files)
    begun = time.perf_counter()
    with watched(text):
        loaded = load(files, organization="acme", repository=CENTRAL, commit="new")
    TALLY.slowest_s = max(TALLY.slowest_s, time.perf_counter() - begun)
    TALLY.files += 1
    TALLY.bytes += len(text)
    TALLY.good += loaded.ok
    TALLY.messages |= {re.sub(r'".*?"|\d+|[^ -~]+', "…", one.message)[:50] for one in loaded.problems}
    return loaded


def check_problem(problem: Problem, files: list[PolicyFile]) -> None:
    """It has words, a next step, and a place that an editor can go to."""
    lines = next(file.text for file in files if file.path == problem.path).split("\n")
    assert problem.message, problem
    assert problem.suggestion, problem
    assert 1 <= problem.line <= len(lines), problem
    assert 1 <= problem.column <= len(lines[problem.line - 1]) + 1, problem
    assert "\n" not in str(problem)


def check_nothing_is_lost(text: str, before: Loaded) -> None:
    """A service stands until its file is removed, or says without a mistake that it is no more."""
    file = PolicyFile("policies/a.yaml", text)
    stood = Before(services=before.services)
    after = put_in_force([file], stood, repository=CENTRAL, commit="newer", central=CENTRAL)
    names = {service.key for service, _ in after.services}
    if any(problem.severity is Severity.ERROR for problem in after.found):
        assert {service.key for service in before.services} <= names
    again = put_in_force([file], stood, repository=CENTRAL, commit="newer", central=CENTRAL)
    assert after == again


GOOD_BEFORE = [
    loaded
    for text in SEEDS
    for loaded in [
        load([PolicyFile("policies/a.yaml", text)], organization="acme", repository=CENTRAL, commit="old")
    ]
    if loaded.ok and loaded.services
]


def nothing_breaks_the_loader(texts: list[str], before: Loaded) -> None:
    files = [PolicyFile(f"policies/{number}.yaml", text) for number, text in enumerate(texts)]
    loaded = read(files)
    assert loaded == read(files[::-1])
    for problem in loaded.problems:
        check_problem(problem, files)
    errors = {problem.path for problem in loaded.problems if problem.severity is Severity.ERROR}
    assert loaded.ok == (not errors)
    assert {service.origin.path for service in loaded.services} <= {file.path for file in files}
    check_nothing_is_lost(texts[0], before)


def main() -> None:
    """Run until the time is over."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--examples", type=int, default=2_000, help="in each round")
    options = parser.parse_args()
    bounded = settings(
        max_examples=options.examples,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
        report_multiple_bugs=False,
    )
    end, rounds = time.monotonic() + options.minutes * 60, 0
    while time.monotonic() < end:
        bounded(
            given(st.lists(damaged(), min_size=1, max_size=2), st.sampled_from(GOOD_BEFORE))(
                nothing_breaks_the_loader
            )
        )()
        rounds += 1
        print(f"{rounds} rounds: {TALLY}", file=sys.stderr, flush=True)
    print(f"{options.minutes:g} minutes: {TALLY}")


if __name__ == "__main__":
    main()
