"""A Gatekeeper in front of the stand-in GitHub: real HTTP both ways, a clock that the test moves."""

from staging.stage import POLICY, Stage, policy

__all__ = ["POLICY", "Stage", "policy"]
