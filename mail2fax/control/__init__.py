"""The local door: what the command line changes goes through a Unix socket to the running gateway."""
