"""What a message wants of plugins as such: to install, switch, configure or remove them, or to find some."""
