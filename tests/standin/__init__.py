"""Helpers for tests against the stand-in GitHub: a client that speaks plain HTTP, and a receiver of webhooks."""

from standin.client import Client
from standin.receiver import Receiver

__all__ = ["Client", "Receiver"]
