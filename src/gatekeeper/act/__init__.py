"""From what ought to be on GitHub and what is there to the fewest writes."""
