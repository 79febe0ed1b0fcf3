"""Mails made by us: the shapes of mail programs with a TIFF planted in each place, and mails that only trouble-makers
and broken programs write. `verdicts.toml` says what becomes of each shape, `hostile.py` of each of the others."""
