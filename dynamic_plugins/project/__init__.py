"""A project's set of plugins: the file that says what is wanted, the lock beside it, and a home that follows them."""
