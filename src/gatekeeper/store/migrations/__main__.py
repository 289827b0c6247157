"""Writes a migration from what ``tables.py`` says now: ``python -m gatekeeper.store.migrations "What changes"``.

``--baseline`` writes the first one anew instead, for as long as no release has shipped it.
"""

import argparse
import tempfile
from pathlib import Path

from alembic import command

from gatekeeper.store.engine import Database, create_store_engine
from gatekeeper.store.migrate import configuration, migrate

VERSIONS = Path(__file__).parent / "versions"
FORMAT = {
    "hooks": "format, fix",
    "format.type": "module",
    "format.module": "ruff",
    "format.options": "format REVISION_SCRIPT_FILENAME",
    "fix.type": "module",
    "fix.module": "ruff",
    "fix.options": "check --fix REVISION_SCRIPT_FILENAME",
}


def revise(message: str) -> None:
    """Write the step from the last migration to the present tables; its number is the next."""
    number = len(list(VERSIONS.glob("*.py"))) + 1
    with tempfile.TemporaryDirectory() as folder:
        database = Database(create_store_engine(f"sqlite:///{folder}/empty.db"))
        migrate(database)
        config = configuration()
        config.set_main_option("file_template", f"{number:04}_%%(slug)s")
        for option, value in FORMAT.items():
            config.set_section_option("post_write_hooks", option, value)
        with database.engine.begin() as connection:
            config.attributes["connection"] = connection
            command.revision(config, message, autogenerate=True)
        database.close()


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m gatekeeper.store.migrations", description=__doc__)
    wanted = parser.add_mutually_exclusive_group(required=True)
    wanted.add_argument("message", nargs="?", help="what the migration does")
    wanted.add_argument("--baseline", action="store_true", help="write the first migration anew")
    given = parser.parse_args()
    if given.baseline:
        for old in VERSIONS.glob("*.py"):
            old.unlink()
    revise(given.message or "Baseline")


if __name__ == "__main__":
    main()
