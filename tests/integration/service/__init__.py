"""The service as systemd and its relatives see it."""
