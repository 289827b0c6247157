"""A Gatekeeper in front of the stand-in GitHub: real HTTP both ways, a clock that the test moves."""

from staging.outcome import assert_each_has_one_check_and_one_comment
from staging.served import Served, eventually
from staging.stage import Stage, fill_ledgers, policy

__all__ = [
    "Served",
    "Stage",
    "assert_each_has_one_check_and_one_comment",
    "eventually",
    "fill_ledgers",
    "policy",
]
