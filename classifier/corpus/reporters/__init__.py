"""The systems that report: what each writes, in its own wire format."""
