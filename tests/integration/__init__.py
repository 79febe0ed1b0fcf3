"""Our doors and engine with real sockets, real files and real peers."""
