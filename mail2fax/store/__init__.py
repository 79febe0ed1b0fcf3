"""What we must not lose: the database with its one writer, and the spool. All SQL of the house is here."""

from mail2fax.store.errors import (
    StoreBusy,
    StoreClosed,
    StoreConflict,
    StoreError,
    StoreFull,
    StoreLocked,
    StoreUncertain,
    StoreUnfit,
)
from mail2fax.store.moments import from_text, to_text
from mail2fax.store.reader import Readable, Reader
from mail2fax.store.session import Row, Session, Value
from mail2fax.store.store import Store

__all__ = [
    "Readable",
    "Reader",
    "Row",
    "Session",
    "Store",
    "StoreBusy",
    "StoreClosed",
    "StoreConflict",
    "StoreError",
    "StoreFull",
    "StoreLocked",
    "StoreUncertain",
    "StoreUnfit",
    "Value",
    "from_text",
    "to_text",
]
