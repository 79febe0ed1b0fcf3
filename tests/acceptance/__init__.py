"""The whole daemon as a process: a mail goes in, the expected call, reply and CDR come out."""
