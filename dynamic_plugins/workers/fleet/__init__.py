"""Workers on a cluster: an actor for each plugin and set of values, which any agent on any machine reaches."""
