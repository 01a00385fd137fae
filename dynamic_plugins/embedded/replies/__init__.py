"""What is said: results told by their shape, answers about plugins and about the agent itself."""
