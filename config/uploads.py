"""Files in the forms of pages: none is kept, unless a page says that it takes one."""

from __future__ import annotations

from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import (
    FileUploadHandler,
    SkipFile,
    TemporaryFileUploadHandler,
)
from django.http import HttpRequest


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


class OneFile(TemporaryFileUploadHandler):
    """Keeps the first file of one field on the disk: each file kept is an open descriptor."""

    def __init__(self, request: HttpRequest, field: str) -> None:
        super().__init__(request)
        self.field = field
        self.is_taken = False

    def new_file(self, field_name: str, *args: Any, **told: Any) -> None:
        """Skip what is not wanted, and what comes behind it."""
        if field_name != self.field or self.is_taken:
            raise SkipFile
        self.is_taken = True
        super().new_file(field_name, *args, **told)

    def file_complete(self, file_size: int) -> UploadedFile[Any] | None:
        """Hand the file on; Django closes what the handler still holds when it skips another."""
        taken = super().file_complete(file_size)
        del self.file
        return taken
