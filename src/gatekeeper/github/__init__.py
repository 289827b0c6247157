"""GitHub's REST API as plain values: App tokens, rate limits, and PyGithub's errors put into ours."""
