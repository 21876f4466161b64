"""Publishing as the clients do, in both styles."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from tests.factories.tokens import Caller

# What passes the quality gate.
SKILL_MD = (
    b"---\nname: pdf-tools\ndescription: Splits and merges PDF files.\n---\n# PDF tools\n\n"
    b"Say which pages you want, and of which files; the tools do the rest.\n"
)
BOUNDARY = "skillboard"
SAID: dict[str, Any] = {
    "slug": "pdf-tools",
    "displayName": "PDF Tools",
    "version": "1.0.0",
    "changelog": "",
    "acceptLicenseTerms": True,
    "tags": ["latest"],
}


class Publisher(Caller):
    """A client with a token of `person`: `Publisher(alice).form(files, version="1.0.1")`."""

    def form(self, files: dict[str, bytes], **said: Any) -> Any:
        return self.post_form(self.encoded(files, **said))

    def encoded(self, files: dict[str, bytes], **said: Any) -> bytes:
        """The body of the older clients' publish."""
        parts = [_part('name="payload"', json.dumps(SAID | said).encode())]
        for path, data in files.items():
            parts.append(_part(f'name="files"; filename="{path}"', data, "text/plain"))
        return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()

    def post_form(self, body: bytes) -> Any:
        return self.client.post(
            "/api/v1/skills",
            body,
            content_type=f"multipart/form-data; boundary={BOUNDARY}",
            headers=self.headers,
        )

    def tickets(self, files: dict[str, bytes], **said: Any) -> Any:
        """Send each file ahead, then finish; the first refusal is the answer."""
        claims = []
        for path, data in files.items():
            answer = self.announce(path, data)
            if answer.status_code != 200:
                return answer
            ticket = answer.json()["uploadTicket"]
            assert self.upload(ticket, data).status_code == 200
            claims.append(self.claim(path, data, ticket))
        return self.finish(claims, **said)

    def announce(self, path: str, data: bytes) -> Any:
        body = {"path": path, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        return super().post("/api/v1/skills/-/upload-url", **body)

    def upload(self, ticket: str, data: bytes) -> Any:
        return self.client.post(
            f"/api/v1/skills/-/upload/{ticket}",
            data,
            content_type="application/octet-stream",
            headers=self.headers,
        )

    def claim(self, path: str, data: bytes, ticket: str) -> dict[str, Any]:
        digest = hashlib.sha256(data).hexdigest()
        return {
            "path": path,
            "size": len(data),
            "sha256": digest,
            "storageId": f"st_{digest}",
            "uploadTicket": ticket,
        }

    def sent(self, path: str, data: bytes) -> dict[str, Any]:
        """Announce and send a file; what the last call says of it."""
        ticket = self.announce(path, data).json()["uploadTicket"]
        assert self.upload(ticket, data).status_code == 200
        return self.claim(path, data, ticket)

    def finish(self, claims: Any, **said: Any) -> Any:
        return self.post("/api/v1/skills", **(SAID | said | {"files": claims}))


def _part(disposition: str, data: bytes, content_type: str = "") -> bytes:
    head = f"--{BOUNDARY}\r\nContent-Disposition: form-data; {disposition}\r\n"
    if content_type:
        head += f"Content-Type: {content_type}\r\n"
    return head.encode() + b"\r\n" + data + b"\r\n"
