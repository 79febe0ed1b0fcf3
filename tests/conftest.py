"""What holds for every test."""

from hypothesis import settings

# How long one example takes says more about a busy machine than about the code; pytest-timeout ends what hangs.
settings.register_profile("steady", deadline=None)
settings.load_profile("steady")
