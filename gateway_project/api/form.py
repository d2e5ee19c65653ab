"""Reading a form with one file: fields in memory, the file in memory up to 1 MB and on disk beyond.

Django's parser does the parsing; its own handling of a request's body trusts CONTENT_LENGTH, and would leave a body
sent in chunks unread.
"""

from __future__ import annotations

import tempfile
from typing import Any

from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler
from django.http import HttpRequest
from django.http.multipartparser import MultiPartParser, MultiPartParserError
from django.utils.http import parse_header_parameters

from gateway_project.api.body import PIECE, Incoming, time_limit
from gateway_project.api.errors import ApiError
from providers.wire import Upload

IN_MEMORY = 1 << 20
FORM_SECONDS = 300  # tens of megabytes take their time
MOST_FIELDS = 100

Fields = dict[str, str | list[str]]


def read_form(request: HttpRequest) -> tuple[Fields, Upload | None]:
    """(fields, the file sent as ``file`` or None); a field given several times, or as ``name[]``, is a list.

    The file is closed, and gone, when Django closes the request. Raises ``ApiError`` 400 (no such form, naming what is
    wrong), 408, 413, 415; ``CallerLeft``.
    """
    content_type = request.META.get("CONTENT_TYPE", "")
    media_type, options = parse_header_parameters(content_type)
    if media_type != "multipart/form-data":
        raise ApiError(400, "Expected a form with a file: a body of type multipart/form-data.", code="invalid_type")
    handler = _Spool(request)
    try:
        with time_limit(FORM_SECONDS):
            incoming: Any = Incoming(request)  # of a file, the parser needs ``read`` alone
            # How much will come is not always known, and the parser asks for no more than that it is not nothing.
            meta = {**request.META, "CONTENT_LENGTH": "1"}
            given, files = MultiPartParser(meta, incoming, [handler], "utf-8").parse()
        if f"--{options['boundary']}--".encode() not in incoming.tail:
            raise ApiError(400, "The form is incomplete: it ends without its closing boundary.")
        if len(given) > MOST_FIELDS:
            raise ApiError(400, f"The form has more than {MOST_FIELDS} fields.")
    except (MultiPartParserError, SuspiciousOperation) as error:
        handler.close()
        raise ApiError(400, f"The request body is not a form that can be read: {str(error)[:200]}") from error
    except BaseException:
        handler.close()
        raise
    request._files = files  # type: ignore[attr-defined]  # what Django closes with the request
    fields: Fields = {}
    for name, values in given.lists():
        fields[name] = [*values] if len(values) > 1 or name.endswith("[]") else values[0]
    return fields, handler.upload


class _Spool(FileUploadHandler):
    """Takes one file, named ``file``."""

    chunk_size = PIECE

    def __init__(self, request: HttpRequest) -> None:
        super().__init__(request)
        self.upload: Upload | None = None
        self._spool: Any = None

    def new_file(self, field_name: str, *args: Any, **kwargs: Any) -> None:
        super().new_file(field_name, *args, **kwargs)
        if field_name != "file":
            raise ApiError(400, f"Unexpected file '{field_name[:100]}': the file is expected as 'file'.", param="file")
        if self._spool is not None:
            raise ApiError(400, "'file' was given more than once: one file is transcribed at a time.", param="file")
        self._spool = tempfile.SpooledTemporaryFile(IN_MEMORY, dir=settings.FILE_UPLOAD_TEMP_DIR)  # noqa: SIM115 - closed with the request

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self._spool.write(raw_data)

    def file_complete(self, file_size: int) -> UploadedFile:
        name, media_type = self.file_name or "", self.content_type or ""
        self.upload = Upload(name, media_type, file_size, self._spool)
        return UploadedFile(self._spool, name, media_type, file_size)

    def close(self) -> None:
        if self._spool is not None:
            self._spool.close()
