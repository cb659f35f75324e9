"""The owner's own public blog, fetched politely and kept as files that a reader reads."""
