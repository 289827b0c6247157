"""Where a new App's credentials go: a folder that only the operator can read, or the browser."""

import hmac
import json
import os
import secrets
from pathlib import Path

from gatekeeper.github.manifest import Credentials
from gatekeeper.settings import PREFIX, REGISTERED

KEY = "setup-key"
PRIVATE = 0o600  # for the owner alone


class Folder:
    """The folder that the setting ``setup_directory`` names.

    Whoever registers the App decides what this server obeys. So the page asks for a word that stands in a file here:
    who can read that may do it.
    """

    def __init__(self, path: Path) -> None:
        self.registered = path / REGISTERED
        self.key_file = path / KEY

    def key(self) -> str:
        """The word, made when first needed; the same for all processes.

        Raises:
            OSError: the folder cannot be used.
        """
        if not self.key_file.exists():
            _put(self.key_file, secrets.token_urlsafe(24))
        return self.key_file.read_text(encoding="utf-8").strip()

    def keep(self, credentials: Credentials) -> None:
        """Write the credentials for the next start, all or nothing, and end the set-up.

        Raises:
            OSError: the folder cannot be used.
            FileExistsError: there are some already; they stay.
        """
        if not _put(self.registered, json.dumps(as_settings(credentials), indent=2) + "\n"):
            raise FileExistsError(str(self.registered))
        self.key_file.unlink(missing_ok=True)


def _put(file: Path, text: str) -> bool:
    """Write a file that nobody else may read, whole; False, and nothing done, when it is there already."""
    partial = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE), "w") as opened:
        opened.write(text)
        opened.flush()
        os.fsync(opened.fileno())
    try:
        os.link(partial, file)
    except FileExistsError:
        return False
    finally:
        partial.unlink()
    return True


def as_settings(credentials: Credentials) -> dict[str, str]:
    """The settings that they are, by name."""
    return {
        "github_app_id": credentials.app_id,
        "github_private_key": credentials.private_key.strip(),
        "webhook_secret": credentials.webhook_secret,
    }


def as_environment(credentials: Credentials) -> str:
    r"""The same as lines of an environment file; the key's line breaks are written as ``\n``, which is read as such."""
    lines = (
        f"{PREFIX}{name.upper()}={value.replace(chr(10), chr(92) + 'n')}"
        for name, value in as_settings(credentials).items()
    )
    return "\n".join(lines) + "\n"


def state_of(nonce: str, key: str) -> str:
    """What GitHub has to send back: only the browser that began has the nonce, only who read the key can make it."""
    return hmac.new(key.encode(), nonce.encode(), "sha256").hexdigest()
