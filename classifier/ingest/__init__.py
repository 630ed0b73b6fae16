"""What we sent, read from mail files, lists and MTA logs into the ledger."""
