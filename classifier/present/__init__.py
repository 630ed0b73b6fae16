"""Table, JSON, page."""
