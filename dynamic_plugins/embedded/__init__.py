"""The embedded model: Needle's tool calling with an understanding built round it, behind the `openai` SDK."""
