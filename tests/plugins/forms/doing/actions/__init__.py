"""Each module describes its own."""
