"""``gatekeeper backtest``: what a policy would have done."""
