"""Is it wired up? What the doctor and the status page tell."""
