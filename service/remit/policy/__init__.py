"""Pure rules: what a caller may run. No I/O, clock, environment or logging."""
