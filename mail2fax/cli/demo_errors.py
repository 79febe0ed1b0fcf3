"""What can go wrong in the demo."""


class DemoFailed(Exception):
    """The demo did not come to its good end; the message says why."""
