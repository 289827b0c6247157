"""A Gatekeeper in front of the stand-in GitHub: real HTTP both ways, a clock that the test moves."""

from staging.served import Served, eventually
from staging.stage import Stage, fill_ledgers, policy

__all__ = ["Served", "Stage", "eventually", "fill_ledgers", "policy"]
