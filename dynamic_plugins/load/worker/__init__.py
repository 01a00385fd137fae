"""What runs in a plugin's own interpreter. Only the standard library may be imported here, of Python 3.9 or later."""
