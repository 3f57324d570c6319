"""Facts with dates, read by kinds."""
