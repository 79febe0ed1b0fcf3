"""One T.30 fax terminal over libspandsp: all native code of the house stays in this folder."""
