"""Mails as bytes: header block, strict From, subject, MIME parts. Nothing here is ever guessed.

Readers give a value, or a `Problem` that says in words what is wrong: whatever bytes come in, in bounded time.
"""
