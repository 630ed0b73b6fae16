"""SQLite: ledger, keys, what was judged, the journal of moves."""
