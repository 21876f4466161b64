"""Invented sessions for the demo: `sessions.py` reads them, `uploading.py` sends them as a client.

A session is a TOML file: who shares it, what a client says of it, and its messages in order. One
with `chapters` tells its messages once for each, with the words of the chapter filled in.
"""
