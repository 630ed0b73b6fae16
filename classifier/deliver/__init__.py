"""The mail stream: filter, spamd protocol, milter."""
