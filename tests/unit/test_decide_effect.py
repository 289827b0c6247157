"""What a change of policies would do, in words: a sentence, a table, a chart; and that the same changes nothing."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import DAY, HOUR, NOW, a_service
from gatekeeper.availability.ledger import Slices
from gatekeeper.decide.effect import (
    Effect,
    OpenChange,
    ServiceEffect,
    Trial,
    VerdictChange,
    trial,
    verdict_changes,
)
from gatekeeper.decide.effect_texts import DEEPEST, effect_section, headline
from gatekeeper.decide.snapshot import Pull, Snapshot
from gatekeeper.decide.standing import unseen
from gatekeeper.decide.verdict import State, Verdict
from gatekeeper.policy.covers import Everything
from gatekeeper.policy.gate import Mode
from pasts import START, a_past

WEEKS = NOW - START
FROZEN = a_past((2 * DAY, HOUR, 0.2), gap=5 * DAY)


def over_the_past() -> Trial:
    return trial(a_service("checkout", FROZEN.objective), [FROZEN], (), (START, NOW), timedelta(0))


TRIED = over_the_past()


def effect(*services: ServiceEffect, **changes: Any) -> Effect:
    return replace(Effect(WEEKS, services), **changes)


def changed(number: int, before: Verdict, after: Verdict) -> VerdictChange:
    return VerdictChange("acme/shop", number, "A change", before, after)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        pytest.param(effect(), "", id="nothing was gone through"),
        pytest.param(
            effect(ServiceEffect("checkout", after=TRIED)),
            r"Would have frozen for \d.* of the last",
            id="a freeze",
        ),
        pytest.param(
            effect(verdicts=(changed(1, Verdict.ALLOW, Verdict.BLOCK),)),
            "1 open pull request would turn red",
            id="one that turns red",
        ),
        pytest.param(
            effect(
                verdicts=(
                    changed(1, Verdict.ALLOW, Verdict.BLOCK),
                    changed(2, Verdict.WARN, Verdict.BLOCK),
                    changed(3, Verdict.BLOCK, Verdict.ALLOW),
                )
            ),
            "2 open pull requests would turn red; 1 open pull request would turn green",
            id="several, the worst first",
        ),
    ],
)
def test_the_effect_in_a_sentence(found: Effect, said: str) -> None:
    assert re.fullmatch(f"{said}.*" if said else "", headline(found))


def test_the_table_is_cut_where_it_is_long_and_says_so() -> None:
    services = tuple(ServiceEffect(f"service-{at:03}", after=TRIED) for at in range(60))
    verdicts = tuple(changed(at, Verdict.ALLOW, Verdict.BLOCK) for at in range(60))
    text = effect_section(effect(*services, verdicts=verdicts, changes=70), {"acme/shop"})
    assert "and 40 more services" in text
    assert "and 40 more" in text.split("would get another verdict")[1]
    assert text.count("```mermaid") == 1


def test_the_one_pull_request_that_is_open_is_told_of_in_the_singular() -> None:
    text = effect_section(effect(ServiceEffect("shop", after=TRIED), changes=1), {"acme/shop"})
    assert "The open pull request of these services would get no other verdict." in text


def test_a_service_without_data_is_not_known_and_not_perfect() -> None:
    dark = replace(FROZEN, slices=Slices.unknown(FROZEN.slices.first, len(FROZEN.slices)))
    blind = trial(a_service("checkout", FROZEN.objective), [dark], (), (START, NOW), timedelta(0))
    then = unseen(a_service("checkout", FROZEN.objective), NOW)
    text = effect_section(
        effect(ServiceEffect("checkout", after=blind, then=then, notes=("no answer",))), {"acme/shop"}
    )
    assert "not known" in text
    assert "| 0 days" not in text
    assert "`checkout`: no answer" in text
    assert "mermaid" not in text


def test_the_chart_is_numbers_only_and_ends_where_it_would_hide_the_rest() -> None:
    text = effect_section(effect(ServiceEffect('`"]x|', before=TRIED, after=TRIED)), {"acme/shop"})
    lines = [line for line in text.splitlines() if line.startswith("    line [")]
    assert len(lines) == 3
    for line in lines:
        values = line.removeprefix("    line [").removesuffix("]").split(", ")
        assert all(float(value) >= 100 * DEEPEST for value in values)
    assert "x|" not in text.split("```mermaid")[1]


@given(
    mode=st.sampled_from(Mode),
    labels=st.lists(st.sampled_from(["reliability", "bug"]), unique=True),
    paths=st.one_of(st.just(Everything()), st.lists(st.sampled_from(["a.py", "docs/b.md"])).map(tuple)),
)
def test_the_same_policies_change_no_verdict(
    mode: Mode, labels: list[str], paths: tuple[str, ...] | Everything
) -> None:
    service = a_service("checkout", FROZEN.objective)
    gate = service.gate.model_copy(update={"mode": mode})
    view = unseen(service.model_copy(update={"gate": gate}), NOW)
    view = replace(view, memory=replace(view.memory, state=State.FROZEN))
    pull = Pull("acme/shop", 1, "A change", "dev1", "0" * 40, "main", tuple(labels))
    change = OpenChange(Snapshot(NOW, pull, ()), paths, "main")
    views = {view.service.key: view}
    assert [*verdict_changes([change], views, views, NOW)] == []
