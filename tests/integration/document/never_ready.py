"""A process that is to fork others and never comes to it. Run in the place of `mail2fax.document.worker`."""

import time

if __name__ == "__main__":
    time.sleep(600)
