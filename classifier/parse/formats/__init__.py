"""Reports that follow no standard: a table of small detectors, most specific first."""
