"""remit-gate: the only process that faces the network. Ends TLS, checks frames, relays bytes."""
