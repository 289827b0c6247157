import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.events.keys import Kind, WorkKey

SHA = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    ("text", "name", "detail"),
    [
        pytest.param("pull:acme/shop#12", "acme/shop", "12", id="pull request"),
        pytest.param(f"commit:acme/shop@{SHA}", "acme/shop", SHA, id="commit"),
        pytest.param("repository:acme/shop", "acme/shop", "", id="repository"),
        pytest.param("policies:acme/.github", "acme/.github", "", id="policy repository"),
        pytest.param("service:acme/checkout", "acme/checkout", "", id="service"),
        pytest.param("audit:acme/checkout", "acme/checkout", "", id="audit of a service's ledgers"),
        pytest.param("deployments:acme/shop", "acme/shop", "", id="deployments"),
        pytest.param("run:acme/shop#30433642", "acme/shop", "30433642", id="workflow run"),
        pytest.param("head:acme/shop", "acme/shop", "", id="newest commit"),
        pytest.param("deployment:acme/shop#7", "acme/shop", "7", id="deployment asked for by the API"),
        pytest.param("runs:acme/shop", "acme/shop", "", id="workflow runs that wait"),
        pytest.param("installation:123", "123", "", id="installation"),
        pytest.param("deliveries:app", "app", "", id="deliveries on GitHub's record"),
    ],
)
def test_a_key_is_written_and_read_back(text: str, name: str, detail: str) -> None:
    key = WorkKey.parse(text)
    assert (str(key), key.name, key.detail) == (text, name, detail)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("pull", id="no subject"),
        pytest.param("wish:acme/shop", id="no such kind"),
        pytest.param("pull:acme/shop", id="pull request without number"),
        pytest.param("pull:acme/shop#0", id="pull requests count from one"),
        pytest.param("pull:acme/shop#-1", id="a negative number"),
        pytest.param("pull:acme/shop/more#1", id="too many parts"),
        pytest.param("pull:acme/shop#1\n", id="a line end"),
        pytest.param("commit:acme/shop@main", id="a branch is no SHA"),
        pytest.param("installation:99999999999999999999", id="no database holds such a number"),
        pytest.param("repository:acmé/shop", id="GitHub's names are ASCII"),
    ],
)
def test_what_names_nothing_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"names no|is not a valid Kind"):
        WorkKey.parse(text)


@given(st.text(max_size=50))
def test_whatever_parses_is_written_back_as_it_was(text: str) -> None:
    for kind in Kind:
        try:
            key = WorkKey.parse(f"{kind}:{text}")
        except ValueError:
            continue
        assert str(key) == f"{kind}:{text}"
