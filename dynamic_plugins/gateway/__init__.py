"""One server for many tenants: a process, a home, a token and limits for each."""
