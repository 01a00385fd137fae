"""The built-in model: small classifiers that read what a message wants of plugins and of their actions."""
