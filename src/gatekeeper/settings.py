"""The only reader of the environment: ``GATEKEEPER_…`` variables, each also as ``GATEKEEPER_…_FILE``."""

import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)

from gatekeeper.errors import ConfigurationError

PREFIX = "GATEKEEPER_"
REGISTERED = "github-app.json"
"""File in ``setup_directory`` with what /setup was given by GitHub: settings by name, as a JSON object of texts."""


class Settings(BaseModel):
    """How this Gatekeeper is wired up. ``gatekeeper settings`` prints each field with its description."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    github_app_id: str | None = Field(None, description="The GitHub App's id.")
    github_private_key: SecretStr | None = Field(None, description="The GitHub App's private key (PEM).")
    github_token: SecretStr | None = Field(
        None, description="A token instead of an App: commit statuses instead of check runs, no buttons."
    )
    github_api_url: str = Field(
        "https://api.github.com",
        description="Root of GitHub's REST API (https://HOST/api/v3 for Enterprise Server).",
    )
    setup_directory: Path | None = Field(
        None,
        description="Folder where /setup puts a new App's credentials, and from where they are read at the next start "
        "if they are not set otherwise. Without it /setup offers them as a download.",
    )
    webhook_secret: SecretStr = Field(
        SecretStr(""), description="The webhook secret; several, comma-separated, while rotating."
    )
    api_token: SecretStr = Field(
        SecretStr(""),
        description="What pipelines report deployments with; several, comma-separated, while rotating. Without one, "
        "nobody may.",
    )
    prometheus_url: str | None = Field(None, description="Root of the Prometheus HTTP API.", repr=False)
    prometheus_flavour: Literal["prometheus", "anchored", "victoriametrics"] = Field(
        "prometheus",
        description="What answers there: prometheus; anchored (Prometheus with extended range selectors); or "
        "victoriametrics. Queries with $window depend on it, and counters with too many samples to read each.",
    )
    prometheus_raw_samples: int = Field(
        30_000_000,
        ge=0,
        description="Samples a day (series times scrapes) up to which a counter is read sample by sample, exactly. "
        "One that has more when its ledger begins is counted by Prometheus a minute at a time: approximate. "
        "0: sample by sample, however many.",
    )
    prometheus_token: SecretStr | None = Field(None, description="Bearer token for Prometheus.")
    prometheus_headers: SecretStr = Field(
        SecretStr(""),
        description="More headers for Prometheus, as NAME=VALUE, comma-separated or one a line.",
    )
    prometheus_ca: Path | None = Field(
        None, description="File with the certificate authority that signed Prometheus."
    )
    database_url: str = Field(
        "sqlite:///gatekeeper.db", description="SQLAlchemy URL of the database.", repr=False
    )
    policy_repository: str = Field(
        ".github",
        description="Name of the organisation's policy repository; its defaults.yaml sets defaults.",
    )
    public_url: str | None = Field(
        None, description="Where people reach this server; links in checks point there."
    )
    refresh_seconds: int = Field(
        60, ge=10, le=3600, description="Seconds between two refreshes of each service's availability."
    )
    log_format: Literal["json", "console"] = Field("json", description="json, or console for people.")

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Read the settings from the environment.

        Raises:
            ConfigurationError: a value is impossible, a file unreadable, or a name is set both ways.
        """
        environ = os.environ if environ is None else environ  # noqa: TID251 (the one place that may)
        values: dict[str, Any] = {  # pydantic makes them what they are to be
            name: value
            for name in cls.model_fields
            if (value := _lookup(environ, PREFIX + name.upper())) is not None
        }
        if "setup_directory" in values:
            values = _registered(Path(values["setup_directory"]) / REGISTERED) | values
        try:
            return cls(**values)
        except ValidationError as error:
            raise ConfigurationError(_explain(error)) from None

    @field_validator("github_api_url", "prometheus_url", "public_url")
    @classmethod
    def _root_without_slash(cls, url: str | None) -> str | None:
        if url is None:
            return None
        if not url.startswith(("http://", "https://")):
            raise ValueError("must start with http:// or https://")
        if not _host(url):
            raise ValueError("names no host")
        return url.rstrip("/")

    @field_validator("policy_repository")
    @classmethod
    def _name_alone(cls, name: str) -> str:
        if not re.fullmatch(r"[\w.-]+", name, re.ASCII):
            raise ValueError("must be a repository's name without its owner, such as .github")
        return name

    @model_validator(mode="after")
    def _app_or_token(self) -> Self:
        if (self.github_app_id is None) != (self.github_private_key is None):
            raise ValueError("GITHUB_APP_ID and GITHUB_PRIVATE_KEY go together")
        if self.github_app_id is not None and self.github_token is not None:
            raise ValueError("set either GITHUB_APP_ID and GITHUB_PRIVATE_KEY, or GITHUB_TOKEN, not both")
        return self

    @property
    def webhook_secrets(self) -> tuple[bytes, ...]:
        """The secrets a delivery may be signed with, current first."""
        return _separated(self.webhook_secret)

    @property
    def api_tokens(self) -> tuple[bytes, ...]:
        """The tokens that a deployment may be reported with; none where nobody may."""
        return _separated(self.api_token)

    @property
    def prometheus_header_map(self) -> dict[str, str]:
        """Headers to send to Prometheus, the token's included."""
        headers = dict(_pairs(self.prometheus_headers.get_secret_value()))
        if self.prometheus_token is not None:
            headers["Authorization"] = f"Bearer {self.prometheus_token.get_secret_value()}"
        return headers

    @field_validator("prometheus_headers")
    @classmethod
    def _are_pairs(cls, headers: SecretStr) -> SecretStr:
        # Checked here, because a library that meets a bad header shows its value.
        if any(not _HEADER.fullmatch(name) for name, _ in _pairs(headers.get_secret_value())):
            raise ValueError("must be NAME=VALUE, comma-separated or, with commas in a value, one a line")
        return headers

    @model_validator(mode="after")
    def _one_authorization(self) -> Self:
        named = {name.casefold() for name, _ in _pairs(self.prometheus_headers.get_secret_value())}
        if self.prometheus_token is not None and "authorization" in named:
            raise ValueError(
                "set either PROMETHEUS_TOKEN or an Authorization in PROMETHEUS_HEADERS, not both"
            )
        return self


_HEADER = re.compile(r"[!#$%&'*+.^_`|~\w-]+", re.ASCII)


def _separated(secrets: SecretStr) -> tuple[bytes, ...]:
    given = secrets.get_secret_value().split(",")
    return tuple(secret.strip().encode() for secret in given if secret.strip())


def _pairs(headers: str) -> Iterator[tuple[str, str]]:
    """(name, value) of each header; the name is empty where there is no NAME=VALUE."""
    for part in headers.split("\n" if "\n" in headers.strip() else ","):
        name, sign, value = part.partition("=")
        if part.strip():
            yield (name.strip() if sign else ""), value.strip()


def _host(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def _lookup(environ: Mapping[str, str], variable: str) -> str | None:
    """The value, from the variable or the file; an empty one is an unset one, as in most deployment templates."""
    value, file = environ.get(variable, "").strip(), environ.get(f"{variable}_FILE", "").strip()
    if value and file:
        raise ConfigurationError(f"{variable} and {variable}_FILE are both set; keep one")
    if not file:
        return value or None
    try:
        return Path(file).read_text(encoding="utf-8").strip() or None
    except OSError as error:
        raise ConfigurationError(f"{variable}_FILE: cannot read {file}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{variable}_FILE: {file} is not a text file") from None


def _registered(file: Path) -> dict[str, Any]:
    """The settings that /setup has written; none before it has run."""
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{file}: {type(error).__name__}; it is written by /setup") from None
    return told if isinstance(told, dict) else {}


def _explain(error: ValidationError) -> str:
    lines = []
    for mistake in error.errors(include_url=False, include_input=False):
        name = "".join(PREFIX + str(part).upper() for part in mistake["loc"][:1])
        lines.append(": ".join(part for part in (name, mistake["msg"].removeprefix("Value error, ")) if part))
    return "\n".join(lines)
