"""Lets an LLM agent take on new capabilities in the middle of a conversation.

Importing this package is cheap: plugin authors import ``dynamic_plugins.plugin`` and pay for nothing else.
"""

__version__ = "0.1.0"
