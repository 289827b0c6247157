"""How long policy files take to be checked: a hundred, as ``gatekeeper validate`` reads them before a commit.

    python benchmarks/validate.py [--files 100]

The files are the shipped examples under other names. "Parse alone" is PyYAML's own reading into nodes, with the
parser in C and in Python: what any checker that knows lines and columns pays at least.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import yaml
from rich.console import Console
from rich.table import Table

from gatekeeper.policy.loader import PolicyFile, load

LIMIT_S = 1.0
ROUNDS = 7
EXAMPLES = sorted((Path(__file__).parents[1] / "policies").glob("*.yaml"))


def examples(count: int) -> list[PolicyFile]:
    """So many services, each in a file of its own."""
    found = []
    texts = [(file.stem, file.read_text()) for file in EXAMPLES if file.stem != "defaults"]
    for position in range(count):
        stem, text = texts[position % len(texts)]
        name = f"{stem}-{position}"
        found.append(PolicyFile(f"policies/{name}.yaml", text.replace(f"name: {stem}", f"name: {name}", 1)))
    return found


def median_s(call: Callable[[], object]) -> float:
    """The median of several rounds, in seconds."""
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        call()
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--files", type=int, default=100)
    files = examples(parser.parse_args().files)
    broken = [PolicyFile(one.path, one.text.replace("target: ", "target: x", 1)) for one in files]
    assert len(load(files).services) == len(files)
    assert not load(broken).services
    calls: dict[str, Callable[[], object]] = {
        "checked": lambda: load(files),
        "checked, each with a mistake": lambda: load(broken),
        "parse alone, in C": lambda: [yaml.compose(one.text, Loader=yaml.CSafeLoader) for one in files],
        "parse alone, in Python": lambda: [yaml.compose(one.text, Loader=yaml.SafeLoader) for one in files],
    }
    table = Table("", "s", "share of the limit", title=f"{len(files)} files, median of {ROUNDS} rounds")
    for name, call in calls.items():
        taken = median_s(call)
        table.add_row(name, f"{taken:.3f}", f"{taken / LIMIT_S:.2f}")
    Console().print(table)


if __name__ == "__main__":
    main()
