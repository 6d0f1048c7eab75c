"""remitctl: the administrator's program, on the host and for root."""
