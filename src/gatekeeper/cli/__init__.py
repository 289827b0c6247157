"""The command line: ``gatekeeper COMMAND``."""

from gatekeeper.cli.program import main

__all__ = ["main"]
