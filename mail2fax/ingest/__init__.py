"""The doors: how a mail, from whichever side, becomes an arrival on disk."""
