"""Policy files: what a team promised, and what its gate does about it."""
