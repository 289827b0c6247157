"""Where a policy says something."""

from __future__ import annotations

import pytest

from gatekeeper.policy.loader import PolicyFile
from gatekeeper.policy.places import place_of

FILE = PolicyFile(
    "policies/two.yaml",
    """\
apiVersion: gatekeeper/v1
kind: Service
metadata: {name: checkout}
spec:
  objectives:
    - name: latency
      indicator: {prometheus: {bad: slow_total, total: all_total}}
    - indicator:
        prometheus:
          bad: bad_total
---
apiVersion: gatekeeper/v1
kind: Service
metadata:
  name: search
spec:
  objectives: {}
""",
)


@pytest.mark.parametrize(
    ("service", "path", "place"),
    [
        pytest.param("search", ("metadata", "name"), (15, 3), id="a key of the second document"),
        pytest.param(
            "checkout",
            ("spec", "objectives", "latency", "indicator", "prometheus", "bad"),
            (7, 32),
            id="an objective by its name",
        ),
        pytest.param(
            "checkout",
            ("spec", "objectives", "availability", "indicator", "prometheus", "bad"),
            (10, 11),
            id="an objective without a name, by the name that it then has",
        ),
        pytest.param(
            "checkout",
            ("spec", "objectives", "availability", "indicator", "prometheus", "total"),
            (9, 9),
            id="a key that is not there: what would hold it",
        ),
        pytest.param(
            "checkout", ("spec", "objectives", "freshness", "indicator"), (5, 3), id="no such objective"
        ),
        pytest.param(
            "search", ("spec", "objectives", "latency", "indicator"), (17, 3), id="objectives that are none"
        ),
        pytest.param("billing", ("spec",), (1, 1), id="no such service: the file's beginning"),
    ],
)
def test_a_place_is_as_near_as_the_file_comes_to_it(
    service: str, path: tuple[str, ...], place: tuple[int, int]
) -> None:
    mark = place_of(FILE, service, *path)
    assert (mark.path, mark.line, mark.column) == ("policies/two.yaml", *place)


def test_a_file_that_cannot_be_read_is_named_as_a_whole() -> None:
    mark = place_of(PolicyFile("policies/bad.yaml", "a: ["), "checkout", "spec")
    assert (mark.path, mark.line, mark.column) == ("policies/bad.yaml", 1, 1)
