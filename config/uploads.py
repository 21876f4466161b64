"""Files in the forms of pages: none is kept, unless a page says that it takes one."""

from __future__ import annotations

from typing import Any

from django.core.files.uploadhandler import FileUploadHandler, SkipFile


class DiscardFiles(FileUploadHandler):
    """Reads past every file. Django's own handlers fill the disk before any view is asked."""

    def new_file(self, *args: Any, **told: Any) -> None:
        """Leave the file out of `request.FILES`."""
        super().new_file(*args, **told)
        raise SkipFile

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """Drop it."""

    def file_complete(self, file_size: int) -> None:
        """Have nothing to hand on."""
