"""The content type of a published file, the same on every host.

A fixed table instead of the system's: the type is stored, shown and part of API answers, and
must not depend on which packages a server has installed.
"""

from __future__ import annotations

TEXT = "text/plain"
BINARY = "application/octet-stream"

_BY_EXTENSION = {
    "css": "text/css",
    "csv": "text/csv",
    "htm": "text/html",
    "html": "text/html",
    "js": "text/javascript",
    "cjs": "text/javascript",
    "mjs": "text/javascript",
    "json": "application/json",
    "jsonl": "application/x-ndjson",
    "md": "text/markdown",
    "markdown": "text/markdown",
    "mdx": "text/markdown",
    "py": "text/x-python",
    "sh": "text/x-shellscript",
    "svg": "image/svg+xml",
    "toml": "application/toml",
    "ts": "application/typescript",
    "tsx": "application/typescript",
    "tsv": "text/tab-separated-values",
    "xml": "application/xml",
    "yaml": "application/yaml",
    "yml": "application/yaml",
    # Below here no file is text.
    "7z": "application/x-7z-compressed",
    "avif": "image/avif",
    "bz2": "application/x-bzip2",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "gif": "image/gif",
    "gz": "application/gzip",
    "ico": "image/vnd.microsoft.icon",
    "jar": "application/java-archive",
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "mp3": "audio/mpeg",
    "mp4": "video/mp4",
    "ogg": "audio/ogg",
    "otf": "font/otf",
    "pdf": "application/pdf",
    "png": "image/png",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "tar": "application/x-tar",
    "tgz": "application/gzip",
    "ttf": "font/ttf",
    "wasm": "application/wasm",
    "wav": "audio/wav",
    "webm": "video/webm",
    "webp": "image/webp",
    "woff": "font/woff",
    "woff2": "font/woff2",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "xz": "application/x-xz",
    "zip": "application/zip",
}
_TEXT_OUTSIDE_TEXT = frozenset(
    [
        "application/json",
        "application/toml",
        "application/typescript",
        "application/x-ndjson",
        "application/xml",
        "application/yaml",
        "image/svg+xml",
    ]
)


def is_text_type(content_type: str) -> bool:
    """True for the types whose files we show as text; their content is valid UTF-8."""
    return content_type.startswith("text/") or content_type in _TEXT_OUTSIDE_TEXT


def content_type_of(path: str, *, is_utf8: bool) -> str:
    """The type by extension; a text type is kept only where the content is UTF-8 without NUL.

    Unknown extensions are plain text or bytes, by content alone.
    """
    name = path.rpartition("/")[2]
    _, dot, extension = name.rpartition(".")
    known = _BY_EXTENSION.get(extension.lower()) if dot else None
    if known is None:
        return TEXT if is_utf8 else BINARY
    if is_text_type(known) and not is_utf8:
        return BINARY
    return known
