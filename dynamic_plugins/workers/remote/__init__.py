"""Servers that run elsewhere, spoken to over HTTP: what is imported only once a plugin is one."""
