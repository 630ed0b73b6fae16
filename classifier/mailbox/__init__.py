"""IMAP and Maildir behind one small protocol, and the mover with its journal."""
