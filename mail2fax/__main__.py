"""`python -m mail2fax` is the command `mail2fax`."""

from mail2fax.cli import main

if __name__ == "__main__":
    main()
