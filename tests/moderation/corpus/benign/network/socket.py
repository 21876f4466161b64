"""Asks a server for the time."""

import socket

with socket.create_connection(("time.service.invalid", 37)) as connection:
    print(connection.recv(4))
