"""Pictures too large to be evaluated at once: exact statistics, tile by tile."""
