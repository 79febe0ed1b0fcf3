"""Two terminals back to back on a virtual clock: no socket, no waiting."""
