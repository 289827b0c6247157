"""From what was observed to what GitHub should say. Pure: equal inputs, equal decisions."""
