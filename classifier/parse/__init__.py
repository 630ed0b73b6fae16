"""Bytes to :class:`~classifier.parse.report.Report`. Never raises on content."""
