"""Which action of an active plugin a message asks for, and how sure that is."""
