"""Keeping secrets out of the conversation: found before a text is sent, and never sent back.

What a person pastes is replaced by a placeholder (``[secret:1:DISCORD_API_TOKEN]``) that models copy; only
``configure_plugin`` turns it back, for the plugin it is meant for.
"""
