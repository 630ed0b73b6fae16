"""What ``doctor`` checks: servers, records, lists and logs, and what to do about each finding."""
