"""What the App has to be granted and told: asked for when it is registered, compared with what it has ever after."""

NEEDED = {
    "metadata": "read",
    "checks": "write",
    "statuses": "write",
    "pull_requests": "write",
    "contents": "read",
    "members": "read",
}
"""Permissions without which the main job does not work: name → ``read`` or ``write``."""
WANTED = {"deployments": "write", "actions": "read", "merge_queues": "read"}
"""For deployments and merge queues. Asked for on the first day, because every owner has to accept later ones."""
EVENTS = frozenset({"check_run", "check_suite", "issue_comment", "pull_request", "push"})
"""Without these the main job waits for a timer."""
HELPFUL_EVENTS = frozenset(
    {
        "deployment",
        "deployment_protection_rule",
        "deployment_status",
        "merge_group",
        "pull_request_review",
        "repository",
        "status",
    }
)
"""Tell what deployments cost; of merge groups, reviews and renamed repositories at once, and not by a timer; and of a
status of our name that is somebody else's."""
