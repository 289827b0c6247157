"""The environment, read once: values, files, emptiness, and secrets that never show."""

import traceback
from collections.abc import Mapping
from pathlib import Path

import pytest

from gatekeeper.errors import ConfigurationError
from gatekeeper.settings import PREFIX, Settings

SECRET = "s3cr3t-value"


def settings(**values: str) -> Settings:
    return Settings.from_env({PREFIX + name.upper(): value for name, value in values.items()})


def said(**values: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        settings(**values)
    return str(caught.value)


def test_without_anything_set_every_setting_has_its_default() -> None:
    given = Settings.from_env({})
    assert given.model_fields_set == set()
    assert given.github_api_url == "https://api.github.com"
    assert (given.database_url, given.policy_repository) == ("sqlite:///gatekeeper.db", ".github")
    assert (given.refresh_seconds, given.log_format) == (60, "json")
    assert (given.webhook_secrets, given.prometheus_header_map) == ((), {})


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
@pytest.mark.parametrize("value", [pytest.param("", id="empty"), pytest.param("  \n", id="blank")])
def test_an_empty_variable_is_an_unset_one(name: str, value: str) -> None:
    assert settings(**{name: value}).model_fields_set == set()
    assert settings(**{f"{name}_file": value}).model_fields_set == set()


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
def test_every_setting_says_what_it_means(name: str) -> None:
    assert Settings.model_fields[name].description


@pytest.mark.parametrize(
    ("content", "value"),
    [
        pytest.param(SECRET, SECRET, id="as it is"),
        pytest.param(f"{SECRET}\n", SECRET, id="with the line end that editors add"),
        pytest.param("-----BEGIN\nMIIE\n-----END\n", "-----BEGIN\nMIIE\n-----END", id="several lines"),
    ],
)
def test_a_value_may_stand_in_a_file(tmp_path: Path, content: str, value: str) -> None:
    file = tmp_path / "secret"
    file.write_text(content)
    token = settings(github_token_file=str(file)).github_token
    assert token is not None
    assert token.get_secret_value() == value


def test_an_empty_file_is_an_unset_setting(tmp_path: Path) -> None:
    (tmp_path / "secret").touch()
    assert settings(github_token_file=str(tmp_path / "secret")).github_token is None


def test_an_empty_variable_does_not_stand_against_a_file(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(SECRET)
    given = settings(webhook_secret="", webhook_secret_file=str(tmp_path / "secret"))
    assert given.webhook_secrets == (SECRET.encode(),)


@pytest.mark.parametrize(
    ("values", "error"),
    [
        pytest.param({"log_format": "xml"}, "GATEKEEPER_LOG_FORMAT: ", id="an impossible word"),
        pytest.param({"refresh_seconds": "9"}, "GATEKEEPER_REFRESH_SECONDS: ", id="too small a number"),
        pytest.param({"refresh_seconds": "soon"}, "GATEKEEPER_REFRESH_SECONDS: ", id="no number"),
        pytest.param({"prometheus_url": "prometheus:9090"}, "must start with http", id="no scheme"),
        pytest.param({"prometheus_url": "http://"}, "names no host", id="no host"),
        pytest.param({"prometheus_url": "http://[::1"}, "names no host", id="no such host"),
        pytest.param(
            {"public_url": "https:///gate"}, "GATEKEEPER_PUBLIC_URL: names no host", id="a path alone"
        ),
        pytest.param(
            {"policy_repository": "acme/.github"}, "without its owner", id="an owner where none belongs"
        ),
        pytest.param({"github_app_id": "1"}, "GITHUB_PRIVATE_KEY go together", id="an App without its key"),
        pytest.param(
            {"github_private_key": "k"}, "GITHUB_PRIVATE_KEY go together", id="a key without its App"
        ),
        pytest.param(
            {"github_app_id": "1", "github_private_key": "k", "github_token": "t"},
            "not both",
            id="App and token",
        ),
        pytest.param(
            {"github_token": "t", "github_token_file": "/f"},
            "GATEKEEPER_GITHUB_TOKEN_FILE are both set",
            id="twice",
        ),
        pytest.param(
            {"github_token_file": "/no/such/file"}, "cannot read /no/such/file", id="a missing file"
        ),
        pytest.param({"github_token_file": "/"}, "cannot read /: ", id="a directory"),
        pytest.param({"prometheus_headers": "Token"}, "must be NAME=VALUE", id="a header without a value"),
        pytest.param({"prometheus_headers": "=x"}, "must be NAME=VALUE", id="a header without a name"),
        pytest.param({"prometheus_headers": "A b=x"}, "must be NAME=VALUE", id="no header's name"),
        pytest.param(
            {"prometheus_headers": "authorization=x", "prometheus_token": "t"},
            "not both",
            id="two authorizations",
        ),
    ],
)
def test_a_mistake_is_named_with_its_variable(values: Mapping[str, str], error: str) -> None:
    assert error in said(**values)


def test_all_mistakes_are_said_at_once() -> None:
    assert len(said(log_format="xml", refresh_seconds="1").splitlines()) == 2


@pytest.mark.parametrize(
    ("given", "headers"),
    [
        pytest.param("X-Scope-OrgID=a", {"X-Scope-OrgID": "a"}, id="one"),
        pytest.param(" A = x , B=y ,", {"A": "x", "B": "y"}, id="several, loosely written"),
        pytest.param("Cookie=a=b==", {"Cookie": "a=b=="}, id="a value with equals signs"),
        pytest.param("A=x,y\nB=z", {"A": "x,y", "B": "z"}, id="one a line, a value with a comma"),
        pytest.param("A=", {"A": ""}, id="an empty value"),
    ],
)
def test_headers(given: str, headers: dict[str, str]) -> None:
    assert settings(prometheus_headers=given).prometheus_header_map == headers


def test_the_token_is_a_header() -> None:
    given = settings(prometheus_headers="A=x", prometheus_token="t")
    assert given.prometheus_header_map == {"A": "x", "Authorization": "Bearer t"}


def test_webhook_secrets_while_rotating() -> None:
    assert settings(webhook_secret="new, old,").webhook_secrets == (b"new", b"old")


def test_api_tokens_while_rotating() -> None:
    assert settings(api_token=" new ,old").api_tokens == (b"new", b"old")
    assert settings().api_tokens == ()


def test_a_root_has_no_slash_at_its_end() -> None:
    given = settings(
        public_url="https://gate.acme.example/", github_api_url="https://ghe.acme.example/api/v3/"
    )
    assert given.public_url == "https://gate.acme.example"
    assert given.github_api_url == "https://ghe.acme.example/api/v3"


SECRETIVE = {
    "github_private_key": SECRET,
    "github_app_id": "1",
    "webhook_secret": SECRET,
    "api_token": SECRET,
    "prometheus_token": SECRET,
    "prometheus_headers": f"X-Key={SECRET}",
    "prometheus_url": f"https://u:{SECRET}@prometheus.acme.example",
    "database_url": f"postgresql://u:{SECRET}@db.acme.example/gatekeeper",
}


def test_secrets_do_not_show() -> None:
    given = settings(**SECRETIVE)
    for text in (repr(given), str(given), f"{given}", repr(given.model_dump().get("webhook_secret"))):
        assert SECRET not in text


@pytest.mark.parametrize("name", sorted({*SECRETIVE, "github_token"} - {"github_app_id"}))
def test_secrets_do_not_show_in_errors_either(name: str) -> None:
    broken = SECRETIVE | {"log_format": "xml", name: f"\0{SECRET}", "prometheus_headers": SECRET}
    with pytest.raises(ConfigurationError) as caught:
        settings(**broken)
    assert SECRET not in "".join(traceback.format_exception(caught.value))


def test_a_file_that_is_no_text_does_not_show_either(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"\xff" + SECRET.encode())
    with pytest.raises(ConfigurationError, match="is not a text file") as caught:
        settings(github_token_file=str(tmp_path / "key"))
    assert SECRET not in "".join(traceback.format_exception(caught.value))
