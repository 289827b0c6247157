"""GitHub as it is now, made into the values that decisions are made from."""
