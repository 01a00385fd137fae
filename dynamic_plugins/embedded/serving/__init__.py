"""The model for clients of the OpenAI API: Chat Completions and Responses over HTTP."""
