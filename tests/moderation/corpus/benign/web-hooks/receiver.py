"""Receives web hooks and writes them down."""

import json
import os
from http.server import BaseHTTPRequestHandler

TOKEN = os.environ["HOOK_TOKEN"]


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        print(json.loads(body))
