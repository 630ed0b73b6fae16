"""The generator of labelled reports."""
