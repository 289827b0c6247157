"""When a policy would have been in which state: the gate's own rules over the past."""
