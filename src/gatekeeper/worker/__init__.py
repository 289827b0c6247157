"""Takes work and runs its passes: at once when woken, again when it failed, never two of one key at a time."""
