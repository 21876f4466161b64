run = __import__("zlib").decompress(b"x")
exec_ = __import__('base64').b64decode("aGVsbG8=")
