"""Forms with a file, as ``multipart/form-data`` (RFC 7578). ◇"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping
from typing import Any

from providers.wire import FileBody, Upload

MEDIA_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+\Z", re.ASCII)
CONTROLS = re.compile(r"[\x00-\x1f\x7f]")


def render_form(fields: Mapping[str, Any], upload: Upload) -> tuple[FileBody, str]:
    """(body, its media type). Lists are said as fields of one name; the file, under ``file``, comes last.

    The boundary is random, so that no caller can write one; names are written as browsers do (HTML standard), so that
    none ends its header.
    """
    boundary = secrets.token_hex(20)
    before = "".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{_quoted(name)}"\r\n\r\n{_text(item)}\r\n'
        for name, value in fields.items()
        for item in (value if isinstance(value, list) else [value])
    )
    media_type = upload.content_type if MEDIA_TYPE.match(upload.content_type) else "application/octet-stream"
    before += (
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{_quoted(upload.filename)}"\r\n'
        f"Content-Type: {media_type}\r\n\r\n"
    )
    after = f"\r\n--{boundary}--\r\n".encode()
    return FileBody(before.encode("utf-8", "replace"), upload, after), f"multipart/form-data; boundary={boundary}"


def _quoted(name: str) -> str:
    return CONTROLS.sub(lambda found: f"%{ord(found.group()):02X}", name).replace('"', "%22")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
