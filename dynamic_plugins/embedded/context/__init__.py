"""What a message is read against: the request, the calls and results before it, and the things that these named."""
