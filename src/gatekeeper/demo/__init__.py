"""Everything on a laptop: a simulated GitHub and a sample history."""
