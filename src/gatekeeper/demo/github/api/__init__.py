"""GitHub's REST API, one module a resource; each path is as on api.github.com."""
