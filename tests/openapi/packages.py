"""Files of npm packages, fetched once and kept in ``.cache`` beside the sources."""

from __future__ import annotations

import fcntl
import json
import shutil
import subprocess
import tarfile
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CACHE = Path(__file__).parents[2] / ".cache" / "npm"
FETCH_SECONDS = 120


def load(package: str, member: str, prepare: Callable[[Any], Any] = lambda found: found) -> Any:
    """A JSON file of an npm package; the result of ``prepare`` is what is kept, so that later runs are fast.

    Raises:
        RuntimeError: npm is missing, or did not deliver. Never a reason to skip a test.
    """
    return json.loads(_kept(package, member, lambda raw: json.dumps(prepare(json.loads(raw)))))


def text(package: str, member: str) -> str:
    """A text file of an npm package.

    Raises:
        RuntimeError: npm is missing, or did not deliver. Never a reason to skip a test.
    """
    return _kept(package, member, bytes.decode)


def _kept(package: str, member: str, prepare: Callable[[bytes], str]) -> str:
    kept = CACHE / f"{package}--{member}".replace("/", "_")
    if not kept.exists():
        with _one_at_a_time():
            if not kept.exists():
                _keep(kept, prepare(_fetch(package, member)))
    return kept.read_text()


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Of several processes that miss a file one fetches it, and the others wait for it."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _keep(kept: Path, prepared: str) -> None:
    partial = kept.with_name(f"{kept.name}.partial")
    partial.write_text(prepared)
    partial.replace(kept)  # at once, since others look for it without waiting


def _fetch(package: str, member: str) -> bytes:
    npm = shutil.which("npm")
    if npm is None:
        raise RuntimeError(f"these tests need npm on PATH, to fetch {package} (GitHub's own description)")
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [npm, "pack", package, "--silent"],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=FETCH_SECONDS,
            check=False,
        )
        archives = list(Path(folder).glob("*.tgz"))
        if done.returncode or len(archives) != 1:
            raise RuntimeError(f"npm pack {package} failed ({done.returncode}): {done.stderr.strip()}")
        with tarfile.open(archives[0]) as archive:
            found = archive.extractfile(f"package/{member}")
            if found is None:
                raise RuntimeError(f"{package} has no file {member}")
            return found.read()
