import re
import time
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatekeeper.policy.mistake import MistakeError
from gatekeeper.policy.regex import portable
from gatekeeper.policy.selector import BareSelector, Matcher, WindowQuery, classify

UNTIMED = settings(deadline=None)
"""A busy machine is no counter-example."""

LABELS = st.dictionaries(
    st.sampled_from(["job", "code", "zone"]), st.sampled_from(["", "a", "b", "500", "503", "5x\n"])
)
MATCHERS = st.builds(
    Matcher,
    st.sampled_from(["job", "code", "zone"]),
    st.sampled_from(["=", "!=", "=~", "!~"]),
    st.sampled_from(["", "a", "500", "5..", "50[03]", "a|b", ".+", ".*", "a?"]),
)
SELECTORS = st.builds(
    lambda metric, matchers: BareSelector(metric, tuple(sorted(set(matchers)))),
    st.sampled_from(["requests_total", "job:x:sum", "my.metric", "inf", "sum"]),
    st.lists(MATCHERS, max_size=4),
)


def bare(text: str) -> BareSelector:
    found = classify(text)
    assert isinstance(found, BareSelector)
    return found


@pytest.mark.parametrize(
    ("query", "text"),
    [
        pytest.param("up", "up", id="a name alone"),
        pytest.param(" up{} ", "up", id="empty braces say nothing"),
        pytest.param("((up))", "up", id="parentheses say nothing"),
        pytest.param('x{b="1",a="2",b="1"}', 'x{a="2",b="1"}', id="matchers are sorted, each once"),
        pytest.param("x{a='1',}", 'x{a="1"}', id="single quotes and a trailing comma"),
        pytest.param('{__name__="x",a="1"}', 'x{a="1"}', id="the name as a matcher"),
        pytest.param(
            '{"my.metric","a.b"="1"}', '{__name__="my.metric","a.b"="1"}', id="names of Prometheus 3"
        ),
        pytest.param('{__name__=~"http_.+"}', '{__name__=~"http_.+"}', id="a name chosen by an expression"),
        pytest.param('{__name__="sum"}', '{__name__="sum"}', id="a name that is a word of PromQL"),
        pytest.param(r"x{a=`\d+`}", r'x{a="\\d+"}', id="a raw string"),
        pytest.param('x{a="\\u00e9\\n"}', 'x{a="é\\n"}', id="escapes"),
        pytest.param("x # of the checkout", "x", id="a comment"),
    ],
)
def test_a_bare_selector_has_one_text(query: str, text: str) -> None:
    assert str(classify(query)) == text


@UNTIMED
@given(SELECTORS)
def test_the_text_of_a_selector_reads_back_as_itself(selector: BareSelector) -> None:
    names_nothing = BareSelector("", ())
    assert selector != names_nothing
    assert classify(str(selector)) == selector


@pytest.mark.parametrize(
    ("query", "at_two_minutes"),
    [
        pytest.param("sum(increase(x[$window]))", "sum(increase(x[120s]))", id="one range"),
        pytest.param("sum(delta(x[ $window ])) * 3", "sum(delta(x[ 120s ])) * 3", id="with spaces"),
        pytest.param("max(a[$window:30s]) by (z)", "", id="not PromQL after all"),
        pytest.param(
            "sum(sum_over_time(up[$window:30s])) - sum(increase(y[$window]))",
            "sum(sum_over_time(up[120s:30s])) - sum(increase(y[120s]))",
            id="every range is replaced, a subquery's too",
        ),
        pytest.param(
            r"sum(increase(x{a=~`\d`}[$window]))",
            r"sum(increase(x{a=~`\d`}[120s]))",
            id="raw strings are kept",
        ),
        pytest.param(
            "sum_over_time(rate(x[5m])[$window:1m])",
            "sum_over_time(rate(x[5m])[120s:1m])",
            id="what is added up over the range may be a rate",
        ),
    ],
)
def test_a_window_query_is_told_its_range(query: str, at_two_minutes: str) -> None:
    if not at_two_minutes:
        with pytest.raises(MistakeError):
            classify(query)
        return
    found = classify(query)
    assert isinstance(found, WindowQuery)
    assert found.at(120) == at_two_minutes


def test_a_range_is_positive() -> None:
    with pytest.raises(ValueError, match="0 s"):
        WindowQuery("x[$window]").at(0)


@pytest.mark.parametrize(
    ("query", "message", "suggestion"),
    [
        pytest.param("", "empty", "write a counter", id="nothing"),
        pytest.param("# only a comment", "empty", "write a counter", id="only a comment"),
        pytest.param("x[5m]", "takes no range", "write x", id="a range"),
        pytest.param('x{a="b"}[1h:5m]', "takes no range", 'write x{a="b"}', id="a subquery"),
        pytest.param("x[$window]", "list of samples", "write x", id="a range of $window alone"),
        pytest.param("x offset 5m", "no offset", "write x alone", id="an offset"),
        pytest.param("x @ 1700000000", "no offset and no @", "write x alone", id="a fixed time"),
        pytest.param(
            "sum(rate(x[5m]))", "without $window", "write sum(increase(x[$window]))", id="a fixed range"
        ),
        pytest.param(
            "sum(rate (x[$window]))",
            "rate(…) over $window is events per second",
            "write sum(increase (x[$window]))",
            id="a rate, of which an hour has no more than a minute",
        ),
        pytest.param(
            "sum(increase(x[$window])) - sum(irate(y[$window]))",
            "irate(…) over $window is events per second",
            "write sum(increase(x[$window])) - sum(increase(y[$window]))",
            id="a rate beside a count",
        ),
        pytest.param(
            "sum(avg_over_time(up[$window:30s]))",
            "avg_over_time(…) over $window is no number of events",
            "sum(increase(",
            id="a mean",
        ),
        pytest.param(
            "histogram_quantile(0.9, sum by (le) (rate(x_bucket[$window])))",
            "events per second",
            "increase(x_bucket[$window])",
            id="a quantile",
        ),
        pytest.param("a / b", "this is a share", "above the / as bad or good", id="a ratio"),
        pytest.param(
            "100 * (1 - sum(increase(a[$window])) / sum(increase(b[$window])))",
            "this is a share",
            "below it as total",
            id="a ratio over the window",
        ),
        pytest.param("sum(x)", "without $window", "sum(increase(", id="a sum"),
        pytest.param("42", "constant", "sum(increase(", id="a number"),
        pytest.param('"x"', "constant", "sum(increase(", id="a text"),
        pytest.param('{job="x"}', "names no metric", "before the braces", id="no metric"),
        pytest.param('x{a="1" or b="2"}', '"or" between matchers', "regular expression", id="or"),
        pytest.param('x{a="$window"}', "not used as a range", "sum(increase(", id="$window in a text"),
        pytest.param("rate(x[$__range])", "$__range is not known", "[$window]", id="Grafana's placeholder"),
        pytest.param(
            "rate(x[{{.window}}])", "{{.window}} is not known", "[$window]", id="Sloth's placeholder"
        ),
        pytest.param(
            "rate(x[window])", "[window] is not known", "[$window]", id="slo-generator's placeholder"
        ),
        pytest.param("sum(", "unclosed left parenthesis", "close it with )", id="an open parenthesis"),
        pytest.param('x{a=~"("}', "illegal regex", "Prometheus reads RE2", id="a broken regular expression"),
        pytest.param("x{a=5}", "inside braces", 'in quotes: {code="500"}', id="a label without quotes"),
        pytest.param('x{a="b"', "unexpected end", "quote all of it", id="what a # cut off"),
        pytest.param("x y", "not PromQL", "in Prometheus first", id="two words"),
        pytest.param("sum(rate(x[$window])", "unclosed left parenthesis", "close it", id="open with $window"),
        pytest.param(
            "x offset - inf", "offset must be a duration", "offset 5m", id="what makes the parser panic"
        ),
        pytest.param("(" * 20_000 + "x" + ")" * 20_000, "too long", "rule", id="what kills the parser"),
        pytest.param("(" * 300 + "x" + ")" * 300, "too deeply", "rule", id="deep parentheses"),
        pytest.param("-" * 900 + "x", "too deeply", "rule", id="a chain of signs"),
    ],
)
def test_what_is_neither_says_what_to_write(query: str, message: str, suggestion: str) -> None:
    with pytest.raises(MistakeError) as caught:
        classify(query)
    assert message in caught.value.message
    assert suggestion in caught.value.suggestion


@UNTIMED
@given(st.text(max_size=60) | st.text(alphabet='ax{}()[]=~!"`\\$w:5m+-,@ ', max_size=40))
def test_any_text_is_classified_or_a_mistake(query: str) -> None:
    try:
        found = classify(query)
    except MistakeError:
        return
    assert classify(str(found)) == found


@pytest.mark.parametrize(
    ("part", "total", "extra"),
    [
        pytest.param('x{job="a",code=~"5.."}', 'x{job="a"}', ['code=~"5.."'], id="one more condition"),
        pytest.param(
            'x{code=~"5..",job="a"}', "x", ['code=~"5.."', 'job="a"'], id="conditions where there were none"
        ),
        pytest.param('x{job="a"}', 'x{job="a"}', [], id="the same"),
        pytest.param('errors_total{job="a"}', 'x{job="a"}', None, id="another metric"),
        pytest.param('x{code="500"}', 'x{job="a"}', None, id="a condition is missing"),
        pytest.param('x{job="a",code="500"}', 'x{job=~"a"}', None, id="a condition said otherwise"),
        pytest.param('x{code=~"(?i)5.."}', "x", None, id="a flag that only RE2 takes there"),
        pytest.param(r'x{code=~"5\\pN+"}', "x", None, id="a class that only RE2 knows"),
    ],
)
def test_a_selector_narrows_another(part: str, total: str, extra: list[str] | None) -> None:
    found = bare(part).narrows(bare(total))
    assert (found if found is None else [str(matcher) for matcher in found]) == extra


@UNTIMED
@given(SELECTORS, st.lists(MATCHERS, max_size=3), LABELS)
def test_narrowing_on_the_client_selects_what_the_server_would(
    total: BareSelector, more: list[Matcher], labels: dict[str, str]
) -> None:
    part = BareSelector(total.metric, tuple(sorted({*total.matchers, *more})))
    extra = part.narrows(total)
    assert extra is not None
    series = {"__name__": total.metric, **labels}
    assert part.matches(series) == (total.matches(series) and all(one.matches(series) for one in extra))


@UNTIMED
@given(MATCHERS, LABELS)
def test_a_matcher_judges_as_a_naive_reading_of_the_manual(matcher: Matcher, labels: dict[str, str]) -> None:
    value = labels.get(matcher.name, "")
    equal = value == matcher.value
    alike = re.match(f"(?s:{matcher.value})\\Z", value) is not None
    assert (
        matcher.matches(labels)
        == {"=": equal, "!=": not equal, "=~": alike, "!~": not alike}[matcher.operator]
    )


def test_a_selector_matches_its_own_metric_alone() -> None:
    assert bare("x").matches({"__name__": "x", "job": "a"})
    assert not bare("x").matches({"__name__": "y", "job": "a"})
    assert bare('{__name__=~"x.*"}').matches({"__name__": "xyz"})


def test_what_only_prometheus_can_tell_is_not_guessed() -> None:
    with pytest.raises(MistakeError, match="only be judged by Prometheus"):
        Matcher("code", "=~", "(?i)ok").matches({"code": "OK"})


WORDS = st.text(alphabet="ab.-", min_size=1, max_size=3)
LANGUAGES = st.recursive(
    WORDS.map(lambda word: (re.sub(r"([.])", r"\\\1", word), frozenset({word}))),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda p: (f"({p[0][0]}|{p[1][0]})", p[0][1] | p[1][1])),
        st.tuples(inner, inner).map(
            lambda p: (f"(?:{p[0][0]})({p[1][0]})", frozenset(a + b for a, b in product(p[0][1], p[1][1])))
        ),
        inner.map(lambda one: (f"({one[0]})?", one[1] | {""})),
    ),
    max_leaves=4,
)


@UNTIMED
@given(LANGUAGES, st.lists(st.text(alphabet="ab.-", max_size=6)))
def test_a_portable_expression_matches_its_language_and_nothing_else(
    language: tuple[str, frozenset[str]], others: list[str]
) -> None:
    pattern, words = language
    compiled = portable(pattern)
    assert compiled is not None
    for word in [*words, *others]:
        assert (compiled.fullmatch(word) is not None) == (word in words)


@pytest.mark.parametrize(
    "pattern",
    [
        pytest.param("5..", id="any characters"),
        pytest.param("50[0-4]|429", id="a set and an alternative"),
        pytest.param("(GET|POST) /api/.*", id="a group and a repetition"),
        pytest.param(r"v\d{1,3}\.x?", id="digits, a count, an escape, an option"),
        pytest.param("", id="nothing"),
        pytest.param("checkout-(eu|us)-.+", id="a usual one"),
    ],
)
def test_usual_expressions_are_portable(pattern: str) -> None:
    assert portable(pattern) is not None


@pytest.mark.parametrize(
    "pattern",
    [
        pytest.param("(?i)get", id="a flag"),
        pytest.param("^5..$", id="anchors, since $ differs before a last line break"),
        pytest.param(r"a\s", id="white space, a different set"),
        pytest.param(r"\pL", id="a Unicode class"),
        pytest.param("a++", id="possessive in one, an error in the other"),
        pytest.param("a{,3}", id="a count in one, text in the other"),
        pytest.param("[[:alpha:]]", id="a POSIX class"),
        pytest.param("[a&&b]", id="what may become a set operation"),
        pytest.param("(?P<x>a)", id="a named group"),
        pytest.param(r"(a)\1", id="a reference back"),
        pytest.param(r"\bx", id="a word boundary"),
        pytest.param("a(?=b)", id="a look ahead"),
        pytest.param("(a+)+b", id="what explodes"),
        pytest.param("(a|a)(a|a)(a|a)(a|a)" * 5, id="what explodes by alternatives"),
        pytest.param("a?" * 30 + "a" * 30, id="what explodes by options"),
        pytest.param("a*a*a*a*a*b", id="what grows with a power of the length"),
        pytest.param("(", id="an open group"),
        pytest.param("a)", id="a closed one"),
        pytest.param("*", id="a repetition of nothing"),
        pytest.param("[b-a]", id="a set backwards"),
        pytest.param("a{3,1}", id="a count backwards"),
    ],
)
def test_what_may_differ_is_left_to_prometheus(pattern: str) -> None:
    assert portable(pattern) is None


@UNTIMED
@given(
    st.text(max_size=20) | st.text(alphabet=r"ab()[]{}*+?|.\\^$-,:dwsS1 ", max_size=20), st.text(max_size=40)
)
def test_no_pattern_raises_or_warns(pattern: str, text: str) -> None:
    compiled = portable(pattern)
    if compiled is not None:
        compiled.fullmatch(text)


def test_no_portable_expression_takes_long() -> None:
    started = time.perf_counter()
    for pattern in ("a*a*a*b", "(a|a)(a|a)(a|a)a*a*b", "a?a?a?a?a?a?a?a?a*a*b"):
        compiled = portable(pattern)
        assert compiled is not None
        assert compiled.fullmatch("a" * 200) is None
    assert time.perf_counter() - started < 2
