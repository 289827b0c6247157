"""Error budgets that pull requests and deployments obey."""
