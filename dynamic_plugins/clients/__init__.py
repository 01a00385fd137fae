"""Other MCP clients' configuration files: where they lie, reading and writing them, import, export and connect."""
