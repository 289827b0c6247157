"""Every mistake we could think of: one file, one mistake, one problem, at the right place, with a next step."""

import pytest

from gatekeeper.policy.loader import PolicyFile, load

GOOD = """\
apiVersion: gatekeeper/v1
kind: Service
metadata:
  name: checkout
spec:
  objectives:
    - name: availability
      target: 99.95%
      window: 28d
      indicator:
        prometheus:
          bad: http_requests_total{job="checkout",code=~"5.."}
          total: http_requests_total{job="checkout"}
  changes:
    - repository: acme/shop
      paths: ["services/checkout/**"]
      branches: [main]
  gate:
    mode: enforce
    caution: {below: 25%}
    freeze: {below: 0%, burn: fast}
    thaw: {above: 10%, or_quiet_for: 72h}
    exempt: {labels: [reliability], paths: ["docs/**"]}
    override: {label: "slo:override", teams: ["@acme/sre"], lasts: 24h}
    unknown: {hold: 1h, then: advise}
"""
HERE = "▸"
"""Stands in a broken file where the problem has to be shown."""

BAD, TOTAL = 'http_requests_total{job="checkout",code=~"5.."}', 'http_requests_total{job="checkout"}\n'
OBJECTIVES = GOOD[GOOD.index("  objectives") : GOOD.index("  changes")]


def problems_of(text: str) -> tuple[str, list[str]]:
    """Where the mark is, and the problems of the file without it."""
    before, _, after = text.partition(HERE)
    place = f"policies/checkout.yaml:{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}"
    loaded = load([PolicyFile("policies/checkout.yaml", before + after)], organization="acme")
    assert loaded.services == ()
    assert loaded.broken == {"policies/checkout.yaml"}
    return place, [str(problem) for problem in loaded.problems]


def broken(old: str, new: str) -> str:
    assert GOOD.count(old) == 1
    return GOOD.replace(old, new)


def test_the_good_file_has_no_problem() -> None:
    loaded = load([PolicyFile("policies/checkout.yaml", GOOD)], organization="acme")
    assert loaded.problems == ()
    assert [service.key for service in loaded.services] == ["acme/checkout"]


KEYS = [
    pytest.param(
        "  gate:\n", "  ▸gates:\n", 'unknown key "gates"', 'did you mean "gate"?', id="a slip in a key"
    ),
    pytest.param(
        "target: 99", "▸traget: 99", '"traget"', 'did you mean "target"?', id="a slip in a required key"
    ),
    pytest.param(
        "    mode: enforce", "    ▸labels: [x]", '"labels"', "under spec.gate.exempt", id="a stray key"
    ),
    pytest.param(
        "    mode: enforce", "    ▸colour: red", '"colour"', "known here: mode, caution", id="a made-up key"
    ),
    pytest.param(
        "kind: Service", "kind: Service\n▸status: {}", '"status"', "known here: apiVersion", id="at the root"
    ),
    pytest.param("apiVersion: g", "▸apiversion: g", '"apiversion"', 'mean "apiVersion"?', id="case counts"),
    pytest.param(
        "window: 28d", "window: 28d\n      ▸target: 99%", "twice (first in line 8)", "one of them", id="twice"
    ),
    pytest.param("window: 28d", "▸window:", '"window" has no value', "write one, or remove", id="no value"),
    pytest.param(
        "target: 99.95%", "▸target: ~", '"target" has no value', "write one", id="no value where one must be"
    ),
    pytest.param(
        "name: availability", "▸1: x", 'unknown key "1"', "known here: name, target", id="a number as a key"
    ),
    pytest.param("name: availability", "▸[a]: x", "a key must be a word", "key: value", id="a list as a key"),
    pytest.param("name: availability", "▸<<: x", 'merge key "<<"', "write the keys out", id="a merge key"),
]
MISSING = [
    pytest.param(
        "apiVersion: gatekeeper/v1\nkind", "▸kind", '"apiVersion" is missing', "gatekeeper/v1", id="version"
    ),
    pytest.param(
        "apiVersion: gatekeeper/v1\nkind: Service",
        "▸apiVersion: gatekeeper/v1",
        '"kind" is missing',
        "add kind: Service",
        id="kind",
    ),
    pytest.param(
        GOOD[: GOOD.index("spec")],
        "▸apiVersion: gatekeeper/v1\nkind: Service\n",
        '"metadata" is missing',
        "{name: checkout}",
        id="metadata",
    ),
    pytest.param(
        "metadata:\n  name: ", "▸metadata:\n  description: ", '"name" is missing', "add name: ", id="name"
    ),
    pytest.param(
        "- name: availability\n      target: 99.95%",
        "- ▸name: x",
        '"target" is missing',
        "99.95%",
        id="target",
    ),
    pytest.param(
        "      indicator:\n        prometheus",
        "      ▸prometheus",
        '"prometheus"',
        "indicator",
        id="indicator",
    ),
    pytest.param(
        "prometheus:\n          bad: " + BAD + "\n          total: " + TOTAL,
        "▸prometheus:\n          bad: x\n",
        '"total" is missing',
        "add total: http_",
        id="total",
    ),
]
SHAPES = [
    pytest.param(
        "name: checkout", "name: ▸123", '"name" must be text', 'in quotes: "123"', id="a number for a name"
    ),
    pytest.param(
        "name: checkout", "name: ▸true", '"name" must be text', 'in quotes: "true"', id="a boolean for a name"
    ),
    pytest.param(
        "name: checkout", "name: ▸[a]", '"name" must be text', "write one value", id="a list for a name"
    ),
    pytest.param(
        "[main]", "▸main", '"branches" must be a list', 'write ["main"]', id="one branch without brackets"
    ),
    pytest.param("[main]", "▸{a: b}", '"branches" must be a list', "put - before", id="a block for a list"),
    pytest.param("[main]", "▸[]", '"branches" is empty', "or remove the key", id="no branch"),
    pytest.param('["services/checkout/**"]', "▸[]", '"paths" is empty', "at least one", id="no path"),
    pytest.param(
        "{below: 25%}", "▸25%", '"caution" must be a block', "its keys are below", id="a value for a block"
    ),
    pytest.param(
        "{below: 25%}",
        "▸[25%]",
        '"caution" must be a block',
        "keys without a -: below",
        id="a list for a block",
    ),
    pytest.param(
        "[reliability]", "[▸1]", 'each entry of "labels" must be text', '"1"', id="a number in a list"
    ),
    pytest.param(
        "[reliability]", "[a, ▸{b: c}]", 'each entry of "labels"', "one value", id="a block in a list"
    ),
    pytest.param(
        OBJECTIVES, "  objectives: ▸[]\n", '"objectives" is empty', "at least one", id="no objective"
    ),
]
UNITS = [
    pytest.param("99.95%", "▸99.95", '"99.95" is not a percentage', "write 99.95%", id="no percent sign"),
    pytest.param("99.95%", "▸0.9995", '"0.9995" is not a percentage', "write 99.95%", id="a fraction"),
    pytest.param(
        "99.95%", '▸"0.9995"', '"0.9995" is not a percentage', "write 99.95%", id="a fraction in quotes"
    ),
    pytest.param("99.95%", "▸99,95%", '"99,95%" is not a percentage', "write 99.95%", id="a decimal comma"),
    pytest.param("99.95%", "▸three nines", "not a percentage", "such as 99.95%", id="words"),
    pytest.param("99.95%", "▸100%", "a target of 100 % leaves no budget", "such as 99.95%", id="all"),
    pytest.param("99.95%", "▸1", '"1" is not a percentage', "write 1% or 100%", id="one"),
    pytest.param("99.95%", "▸0%", "out of reach", "more than 0% and less than 100%", id="nothing"),
    pytest.param("99.95%", "▸-5%", "out of reach", "more than 0%", id="less than nothing"),
    pytest.param("99.95%", "▸9995%", "out of reach", "less than 100%", id="more than all"),
    pytest.param("window: 28d", "window: ▸28", '"28" is not a duration', "28d for days", id="no unit"),
    pytest.param("window: 28d", "window: ▸28 days", '"28 days"', "write 28d", id="a unit written out"),
    pytest.param("window: 28d", "window: ▸30m", "30 min is too short", "1 h to 90 d", id="a short window"),
    pytest.param("window: 28d", "window: ▸1w99d", "106 d is too long", "1 h to 90 d", id="a long window"),
    pytest.param("window: 28d", "window: ▸0", "0 s is too short", "such as 28d", id="no window"),
    pytest.param("window: 28d", "window: ▸[28d]", "is not a duration", "such as 28d", id="a list of windows"),
    pytest.param(
        "window: 28d",
        "window: {calendar: ▸year}",
        '"calendar" cannot be "year"',
        "write month or quarter or week",
        id="a calendar year",
    ),
    pytest.param(
        "window: 28d",
        "▸window: {timezone: Europe/Paris}",
        '"calendar" is missing',
        "add calendar: month",
        id="a time zone of nothing",
    ),
    pytest.param(
        "window: 28d",
        "window: {calendar: month, timezone: ▸Europe/Pari}",
        '"Europe/Pari" is no time zone',
        'did you mean "Europe/Paris"?',
        id="a slip in a time zone",
    ),
    pytest.param(
        "window: 28d",
        "window: {calendar: month, timezone: ▸Berlin}",
        '"Berlin" is no time zone',
        'did you mean "Europe/Berlin"?',
        id="a city alone",
    ),
    pytest.param(
        "window: 28d",
        "window: {calendar: month, timezone: ▸../../etc/passwd}",
        "is no time zone",
        "write an IANA name, such as Europe/Paris",
        id="a path for a time zone",
    ),
    pytest.param(
        "window: 28d",
        "window: {calendar: month, ▸timezon: Europe/Paris}",
        'unknown key "timezon"',
        'did you mean "timezone"?',
        id="an unknown key of a window",
    ),
    pytest.param(
        "window: 28d",
        "window: 28d\n      method: ▸ratio-timeslices",
        '"method" cannot be ratio-timeslices',
        "write occurrences, or {timeslices: {target: 99%}}",
        id="a method that is not known",
    ),
    pytest.param(
        "window: 28d",
        "window: 28d\n      method: {timeslices: {target: ▸0.99}}",
        '"0.99" is not a percentage',
        "write 99%",
        id="a slice's target without its sign",
    ),
    pytest.param(
        "window: 28d",
        "window: 28d\n      method: {timeslices: {target: ▸101%}}",
        "a slice cannot be 101% good",
        "at most 100%",
        id="a slice better than good",
    ),
    pytest.param("72h}", "▸0}", "must last some time", "above 0", id="no quiet time"),
    pytest.param("24h}", "▸0s}", "must last some time", "above 0", id="an override of no length"),
    pytest.param(
        "25%}",
        "25%, pace: {deployments: ▸2}}",
        "not a number a day",
        "write 2/day",
        id="a pace without a day",
    ),
    pytest.param(
        "25%}",
        "25%, pace: {deployments: ▸0/day}}",
        "not a number a day",
        "write 2/day",
        id="a pace of nothing",
    ),
    pytest.param(
        "25%}",
        "25%, pace: {changed_lines: ▸-4}}",
        "not a number of lines",
        "such as 400",
        id="negative lines",
    ),
    pytest.param(
        "25%}",
        "25%, pace: {changed_lines: ▸true}}",
        "not a number of lines",
        "such as 400",
        id="lines that are none",
    ),
    pytest.param("burn: fast", "at_most: ▸0", "must last some time", "above 0", id="a freeze of no length"),
    pytest.param(
        "burn: fast", "incident_over: ▸20", '"20" is not a percentage', "write 20%", id="an incident over 20"
    ),
    pytest.param(
        "    mode: enforce",
        "    mode: enforce\n    probation: {for: ▸24}",
        "not a duration",
        "24h for hours",
        id="a probation of 24",
    ),
    pytest.param(
        "    mode: enforce",
        "    mode: enforce\n    probation: {▸lasts: 24h}",
        '"lasts"',
        "it belongs under",
        id="a key of another block",
    ),
    pytest.param(
        "    mode: enforce",
        "    mode: enforce\n    probation: ▸off",
        '"probation" must be a block of keys',
        "its keys are for",
        id="no block",
    ),
    pytest.param(
        "    mode: enforce",
        "    mode: enforce\n    postmortems: [{incident: ▸2026-11-20, link: https://a.b}]",
        '"2026-11-20" is a day, no time',
        "write 2026-11-20T00:00:00Z",
        id="a day is no instant",
    ),
    pytest.param(
        "    mode: enforce",
        '    mode: enforce\n    postmortems: [{incident: ▸"2026-13-20T12:00:00Z", link: https://a.b}]',
        "is not in the calendar",
        "2026-11-08T02:00:00Z",
        id="a thirteenth month",
    ),
    pytest.param(
        "    mode: enforce",
        '    mode: enforce\n    postmortems: [{incident: "2026-11-20T12:00:00Z", link: ▸wiki/42}]',
        '"wiki/42" is no link',
        "https://",
        id="a link to nowhere",
    ),
    pytest.param(
        "    mode: enforce",
        '    mode: enforce\n    postmortems: [▸{incident: "2026-11-20T12:00:00Z"}]',
        '"link" is missing',
        "add link: https://",
        id="a postmortem without its link",
    ),
    pytest.param(
        "below: 0%", "below: ▸-10%", "-10% is no share of a budget", "0% to 100%", id="a negative freeze"
    ),
    pytest.param("25%", "▸250%", "250% is no share of a budget", "0% to 100%", id="a share above all"),
]
CHOICES = [
    pytest.param(
        "mode: enforce", "mode: ▸enforced", '"mode" cannot be "enforced"', 'mean "enforce"?', id="a slip"
    ),
    pytest.param(
        "mode: enforce", "mode: ▸off", '"mode" cannot be "off"', "write observe or advise", id="another word"
    ),
    pytest.param("mode: enforce", "mode: ▸true", '"mode" cannot be true', "write observe or", id="a boolean"),
    pytest.param(
        "burn: fast", "burn: ▸slow", '"burn" cannot be "slow"', "write fast or off", id="another burn"
    ),
    pytest.param(
        "then: advise", "then: ▸allow", '"then" cannot be "allow"', "write advise or", id="another fail mode"
    ),
    pytest.param(
        "gatekeeper/v1", "▸gatekeeper/v2", '"gatekeeper/v2"', 'mean "gatekeeper/v1"?', id="a later version"
    ),
    pytest.param(
        "kind: Service",
        "kind: ▸Servise",
        '"kind" cannot be "Servise"',
        'mean "Service"?',
        id="a slip in kind",
    ),
    pytest.param(
        "kind: Service", "kind: ▸Policy", '"Policy"', "write Service or Defaults", id="another kind"
    ),
]
CONTRADICTIONS = [
    pytest.param(
        "25%", "▸0%", "caution below 0% never happens", "more than 0%", id="caution where changes are frozen"
    ),
    pytest.param(
        "above: 10%", "above: ▸0%", "a thaw at 0%", "more than 0%", id="frozen and thawed at one value"
    ),
    pytest.param("above: 10%", "above: ▸100%", "whole budget is back", "less than 100%", id="a thaw at all"),
    pytest.param(
        "[reliability]", '▸["SLO:override"]', "exempt whoever sets it", "remove it from", id="a label for all"
    ),
]
NAMES = [
    pytest.param(
        "name: checkout", "name: ▸Check Out", '"Check Out" is no name', "write check-out", id="capitals"
    ),
    pytest.param("name: checkout", "name: ▸-a", '"-a" is no name', "write a", id="a hyphen in front"),
    pytest.param("name: checkout", "name: ▸" + "a" * 64, "at most 63", "write aaa", id="a long name"),
    pytest.param("name: checkout", 'name: ▸""', '"" is no name', "such as checkout", id="an empty name"),
    pytest.param(
        "name: availability", "name: ▸a.b", '"a.b" is no name', "write a-b", id="a dot in an objective"
    ),
    pytest.param("acme/shop", "▸shop", '"shop" is no repository', "owner/name", id="no owner"),
    pytest.param(
        "acme/shop", "▸https://github.com/acme/shop.git", "no repo", "write acme/shop", id="an address"
    ),
    pytest.param(
        "acme/shop", "▸other/shop", "is not in acme", "write acme/shop", id="another organisation's"
    ),
    pytest.param("[main]", "[▸refs/heads/main]", "a ref, no branch", "write main", id="a ref"),
    pytest.param("[main]", '[▸"!main"]', "cannot be excluded", "list the branches", id="a branch excluded"),
    pytest.param("[main]", "[main, ▸a b]", '"a b" is no branch', "a glob", id="a space in a branch"),
    pytest.param("[main]", '[▸"*-*-*"]', "and 2 between", "two patterns", id="many stars in a branch"),
    pytest.param(
        '"services/c', '▸"./services/c', "never matches a path", "write services/checkout", id="./ in front"
    ),
    pytest.param(
        '"services/checkout/**"', r"▸services\x", "never matches", "write services/x", id="a backslash"
    ),
    pytest.param('"services/c', '▸"../services/c', "leaves the repository", "root", id="a parent folder"),
    pytest.param('"services/checkout/**"', "▸'[a-'", "no path pattern", ".gitignore", id="an open set"),
    pytest.param(
        '"services/checkout/**"', "▸'# x'", "no path pattern", ".gitignore", id="a comment as a pattern"
    ),
    pytest.param('["docs/**"]', "▸['!docs/**']", "only exclude", '"**" first', id="only exclusions"),
    pytest.param('"docs/**"', '▸"*/*/*/*/*"', "at most 4 stars", "match the folder", id="many stars"),
    pytest.param('"@acme/sre"', "▸acme/sre", '"acme/sre" is no team', '"@acme/sre"', id="a team without @"),
    pytest.param(
        '"@acme/sre"', '▸"@acme/Site Ops"', "is no team", '"@acme/site-ops"', id="a team's display name"
    ),
    pytest.param('"@acme/sre"', '▸"@alice"', "is no team", "as GitHub mentions it", id="a person"),
    pytest.param(
        '"@acme/sre"', '▸"@other/sre"', "is not in acme", '"@acme/sre"', id="another organisation's team"
    ),
    pytest.param('"slo:override"', '▸"slo:frozen"', "Gatekeeper sets", "another one", id="our own label"),
    pytest.param(
        "[reliability]", '[▸"slo:frozen"]', "Gatekeeper sets", "another one", id="exempt by our own label"
    ),
    pytest.param("[reliability]", f"[▸{'a' * 51}]", "no label of GitHub", "1 to 50", id="a long label"),
]
QUERIES = [
    pytest.param(
        BAD, "▸sum(rate(x[5m]))", "without $window", "sum(increase(x[$window]))", id="a fixed range"
    ),
    pytest.param(BAD, "▸sum(rate(x[$window]))", "per second", "sum(increase(x[$window]))", id="a rate"),
    pytest.param(BAD, "▸x[5m]", "takes no range", "write x", id="a range"),
    pytest.param(BAD, "▸x[$window]", "list of samples", "write x", id="a range without a function"),
    pytest.param(BAD, "▸x offset 5m", "no offset", "write x alone", id="an offset"),
    pytest.param(
        BAD, "▸sum(rate(x[$window])", "unclosed left parenthesis", "close it with )", id="an open parenthesis"
    ),
    pytest.param(
        BAD, "▸sum(rate(x[$__range]))", "$__range is not known", "[$window]", id="Grafana's placeholder"
    ),
    pytest.param(BAD, """▸'{job="x"}'""", "names no metric", "before the braces", id="no metric"),
    pytest.param(
        BAD, '▸{job="x"}', '"bad" must be text', "in quotes", id="braces that YAML takes for a block"
    ),
    pytest.param(BAD, "▸5", '"bad" must be text', 'in quotes: "5"', id="a number"),
    pytest.param(BAD, '▸""', "the query is empty", "write a counter", id="an empty query"),
    pytest.param(BAD, "▸" + "x" * 5000, "too long", "Prometheus rule", id="a long query"),
    pytest.param(BAD, "▸" + TOTAL.strip(), "count the same", "narrow bad", id="bad is total"),
    pytest.param(BAD, "x\n          good: ▸y", "both given", "remove good", id="good and bad"),
    pytest.param(
        BAD, "▸" + BAD + "\n          up: up", "up and bad are both", "keep one", id="up and events"
    ),
    pytest.param(
        "          bad: " + BAD + "\n          total: " + TOTAL.strip(),
        "          up: ▸up[5m]",
        "gives a list of samples",
        "without its range",
        id="up with a range",
    ),
    pytest.param(
        "          bad: " + BAD + "\n          total: " + TOTAL.strip(),
        "          up: ▸avg_over_time(up[$window])",
        "asked once a minute",
        "write [1m]",
        id="up over a window",
    ),
    pytest.param(
        "          bad: " + BAD + "\n          total: " + TOTAL.strip(),
        "          latency: {histogram: ▸http_request_duration_seconds_bucket, below: 300ms}",
        "one of a histogram's metrics",
        "write http_request_duration_seconds",
        id="a bucket for a histogram",
    ),
    pytest.param(
        "          bad: " + BAD + "\n          total: " + TOTAL.strip(),
        "          latency: {histogram: '▸x{le=\"1\"}', below: 300ms}".replace("'▸", "▸'"),
        "the bucket is chosen by below",
        "remove the condition on le",
        id="a histogram with its bucket",
    ),
    pytest.param(
        "          bad: " + BAD + "\n          total: " + TOTAL.strip(),
        "          latency: {histogram: x_seconds, below: ▸300}",
        '"300" is no delay',
        "such as 300ms",
        id="a delay without a unit",
    ),
    pytest.param(
        "          bad: " + BAD + "\n          total: " + TOTAL.strip(),
        "          latency: {histogram: x_seconds, ▸belo: 300ms}",
        'unknown key "belo"',
        'mean "below"?',
        id="a slip in a key of latency",
    ),
    pytest.param(
        "          bad: " + BAD + "\n          total: " + TOTAL.strip(),
        "          latency: {histogram: x_seconds, below: 300ms, buckets: ▸natve}",
        '"natve"',
        'mean "native"?',
        id="a slip in the sort of histogram",
    ),
    pytest.param(
        "          total: " + TOTAL.strip(),
        "          ▸totl: x",
        'unknown key "totl"',
        'mean "total"?',
        id="no total",
    ),
    pytest.param(
        "          bad: " + BAD + "\n          total", "          ▸total", "neither", "add bad:", id="neither"
    ),
    pytest.param(
        BAD + "\n          total: " + TOTAL,
        "▸errors_total\n          total: sum(increase(x[$window]))\n",
        "has $window",
        "write sum(increase(errors_total[$window]))",
        id="mixed",
    ),
]
WINDOW = "from: 2026-11-08T02:00:00Z, to: 2026-11-08T04:00:00Z"
DATED = [
    pytest.param(
        f"adjustments: [▸{{{WINDOW}}}]", '"reason" is missing', "add reason: announced", id="no reason"
    ),
    pytest.param(
        f"adjustments: [{{{WINDOW}, reason: ▸' '}}]", "1 to 300 characters", "say what happened", id="a blank"
    ),
    pytest.param(
        f"adjustments: [{{{WINDOW}, reason: r, as: ▸down}}]", '"as" cannot be "down"', "up or", id="as down"
    ),
    pytest.param(
        f"adjustments: [{{{WINDOW}, reason: r, ▸start: x}}]", 'unknown key "start"', "", id="our own name"
    ),
    pytest.param(
        "adjustments: [{from: ▸2026-11-08T02:00:00, to: 2026-11-08T04:00:00Z, reason: r}]",
        '"2026-11-08T02:00:00" has no time zone',
        "write 2026-11-08T02:00:00Z if UTC is meant",
        id="no time zone",
    ),
    pytest.param(
        "adjustments: [{from: 2026-11-08T02:00:00Z, to: ▸2026-11-08T02:00:30Z, reason: r}]",
        "is not a whole minute",
        "write 2026-11-08T02:00:00Z",
        id="seconds",
    ),
    pytest.param(
        "adjustments: [{from: 2026-11-08T02:00:00Z, to: ▸2026-11-08T02:00:00Z, reason: r}]",
        "ends before it begins",
        "swap from and to",
        id="no time at all",
    ),
    pytest.param(
        "adjustments: [{from: ▸5, to: 2026-11-08T02:00:00Z, reason: r}]", '"5" is no time', "", id="a number"
    ),
    pytest.param(
        f"adjustments: [{{{WINDOW}, reason: r}}, "
        "▸{from: 2026-11-08T03:59:00Z, to: 2026-11-08T05:00:00Z, reason: r}]",
        "overlaps with an adjustment above",
        "once",
        id="a minute adjusted twice",
    ),
    pytest.param(
        "exceptions: [▸{target: 99%, reason: r}]", '"until" is missing', "add until: 2026", id="no end"
    ),
    pytest.param(
        "exceptions: [▸{target: 99%, until: 2026-12-31}]", '"reason" is missing', "add reason", id="why"
    ),
    pytest.param(
        "exceptions: [{target: ▸100%, until: 2026-12-31, reason: r}]", "leaves no budget", "", id="all of it"
    ),
    pytest.param(
        "exceptions: [{target: ▸99.95%, until: 2026-12-31, reason: r}]",
        "the target is 99.95% without an exception",
        "another one",
        id="the same target",
    ),
    pytest.param(
        "exceptions: [{target: 99%, until: 2026-12-31, reason: r, objective: ▸availabilty}]",
        'there is no objective "availabilty"',
        'did you mean "availability"?',
        id="a slip in an objective",
    ),
    pytest.param(
        "exceptions: [{target: 99%, from: 2027-01-01, until: ▸2026-12-31, reason: r}]",
        "ends before it begins",
        "swap from and until",
        id="backwards",
    ),
    pytest.param(
        "exceptions: [{target: 99%, until: 2026-12-31, reason: r}, "
        "▸{target: 98%, from: 2026-12-31, until: 2027-02-01, reason: r, objective: availability}]",
        "only one target can count",
        "let one begin, by from, where the other ends",
        id="two targets on the last day",
    ),
]


@pytest.mark.parametrize(("entry", "message", "suggestion"), DATED)
def test_what_is_dated_goes_wrong_like_the_rest(entry: str, message: str, suggestion: str) -> None:
    place, problems = problems_of(GOOD + f"  {entry}\n")
    assert len(problems) == 1, problems
    assert problems[0].startswith(f"{place}: ")
    assert message in problems[0]
    assert suggestion in problems[0]


DORMANT = [
    pytest.param(
        "environments: {prod: ▸block}",
        '"prod" cannot be "block"',
        "write enforce or advise or free",
        id="mode",
    ),
    pytest.param(
        "environments: {prod: ▸}", '"prod" cannot be null', "write enforce or advise or free", id="no mode"
    ),
    pytest.param(
        "environments: {prod: free, Prod: ▸enforce}", "are one environment to GitHub", "remove one", id="case"
    ),
    pytest.param(
        "environments: {' ': ▸free}",
        "is no environment of GitHub",
        "write 1 to 255",
        id="a blank environment",
    ),
    pytest.param(
        "environments: ▸[prod]",
        '"environments" must be a block of keys',
        "{production: enforce",
        id="a list",
    ),
    pytest.param("▸redundancy: {instances: 3}", '"query" is missing', 'add query: up{job="', id="query"),
    pytest.param(
        "redundancy: {instances: ▸0, query: up}", '"0" is no whole number above 0', "such as 3", id="none"
    ),
    pytest.param(
        "redundancy: {instances: ▸true, query: up}", "is no whole number", "such as 3", id="no number at all"
    ),
    pytest.param(
        "redundancy: {instances: 2, regions: ▸3, region: zone, query: up}",
        "2 instances cannot be in 3 regions",
        "write at most 2",
        id="more regions than instances",
    ),
    pytest.param(
        "▸redundancy: {instances: 3, regions: 3, query: up}",
        '"region" is missing',
        "add region: zone",
        id="regions without their label",
    ),
    pytest.param(
        "redundancy: {instances: 3, query: up, region: ▸a-b}",
        '"a-b" is no label of Prometheus',
        "such as zone",
        id="no label",
    ),
    pytest.param(
        "redundancy: {instances: 3, query: '▸up[5m]'}".replace("'▸", "▸'"),
        "no number",
        "without its range",
        id="a range",
    ),
    pytest.param("▸review: {every: 2w}", '"from" is missing', "add from: 2026-11-02", id="no first day"),
    pytest.param("review: {from: ▸monday}", '"monday" is no day', "2026-11-02", id="no day"),
    pytest.param("review: {from: ▸2026-02-30}", "is not in the calendar", "2026-11-02", id="no such day"),
    pytest.param(
        "review: {every: ▸36h, from: 2026-11-02}",
        "an iteration of 1 d 12 h is no number of days",
        "write 1d to 90 d, such as 2w",
        id="half a day",
    ),
]


@pytest.mark.parametrize(("entry", "message", "suggestion"), DORMANT)
def test_what_nothing_acts_on_yet_is_checked_all_the_same(entry: str, message: str, suggestion: str) -> None:
    place, problems = problems_of(GOOD + f"  {entry}\n")
    errors = [problem for problem in problems if ": warning: " not in problem]
    assert len(errors) == 1, problems
    assert errors[0].startswith(f"{place}: ")
    assert message in errors[0]
    assert suggestion in errors[0]


YAML = [
    pytest.param(
        '"@acme/sre"', "▸@acme/sre", "cannot start with @", "put it in quotes", id="a team without quotes"
    ),
    pytest.param('"docs/**"', "*▸*", "cannot start with *", 'quotes: "**"', id="a star without quotes"),
    pytest.param("mode: enforce", "mode: enforce▸: x", "a second colon", "in quotes", id="a second colon"),
    pytest.param("    mode: enforce", "▸\tmode: enforce", "a tab indents", "with spaces", id="a tab"),
    pytest.param("      target:", "     ▸target:", "does not line up", "alike", id="indented by one less"),
    pytest.param(
        "name: checkout", "name: ▸'checkout", "never closed", "close them", id="quotes never closed"
    ),
    pytest.param("[main]", "▸[main", "list is not complete", "end with ]", id="a list never closed"),
    pytest.param('"docs/**"', r'"▸\d"', "backslash", "single quotes", id="a backslash in double quotes"),
    pytest.param("name: checkout", "name: ▸!!python/object:os.system x", "the tag", "remove it", id="a tag"),
    pytest.param(
        "name: checkout", "name: ▸*nobody", "refers to nothing", "&nobody", id="an alias to nothing"
    ),
    pytest.param(
        "name: checkout", "name: a▸\x07", "no text file holds", "remove it", id="a control character"
    ),
]
BASICS = [
    pytest.param(GOOD, "▸- a\n- b\n", "is a block of keys", "apiVersion: gatekeeper/v1", id="a list"),
    pytest.param(GOOD, "▸hello", "is a block of keys", "apiVersion: gatekeeper/v1", id="a word"),
    pytest.param(GOOD, "▸" + "# x\n" * 70_000, "larger than 256 KiB", "split it", id="a large file"),
    pytest.param(GOOD, "a: ▸\ud800", "not UTF-8", "save the file as UTF-8", id="half a character"),
    pytest.param(GOOD, "a: [b,▸", "the file ends before", "close what is open", id="an end within a list"),
    pytest.param(GOOD, "a: {b: ▸", "the file ends before", "close what is open", id="an end within a block"),
    pytest.param(GOOD, "a: [b,\n\n▸", "the file ends before", "close what", id="blank lines before the end"),
    pytest.param(GOOD, "%YAML 1.1▸", "the file ends before", "close what", id="an end within a directive"),
    pytest.param(GOOD, "▸- ? ", "is a block of keys", "apiVersion", id="an end within a key"),
    pytest.param(GOOD, "[" * 21 + "▸[", "deeper than 20", "flatter", id="deep lists"),
    pytest.param(GOOD, "a: [" + "1," * 9_997 + "▸1]", "more than 10000 values", "split it", id="many values"),
]


@pytest.mark.parametrize(
    ("old", "new", "message", "suggestion"),
    [*KEYS, *MISSING, *SHAPES, *UNITS, *CHOICES, *CONTRADICTIONS, *NAMES, *QUERIES, *YAML, *BASICS],
)
def test_one_mistake_gives_one_problem_at_its_place(
    old: str, new: str, message: str, suggestion: str
) -> None:
    place, problems = problems_of(broken(old, new))
    assert len(problems) == 1, problems
    assert problems[0].startswith(f"{place}: ")
    assert message in problems[0]
    assert suggestion in problems[0]
