"""Putting a file on a case, for use inside actions: what is taken, and that nothing is left of a refused one."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile

from accounts.staff.models import User
from audit.actions import Refused
from complaints.cases.files.models import Attachment
from complaints.cases.models import Complaint
from complaints.vocabulary import ComplaintRefusal
from core.text import say


@contextmanager
def stored_files() -> Iterator[list[Attachment]]:
    """Around an action that stores files: those in the list are removed again when it ends in an error.

    A database forgets what is rolled back, a disk does not. Enter it before the action, so that the commit lies
    within.
    """
    stored: list[Attachment] = []
    try:
        yield stored
    except BaseException:
        for attachment in stored:
            attachment.file.storage.delete(attachment.file.name or "")
        raise


def attach(
    complaint: Complaint, file: UploadedFile[Any], *, stored: list[Attachment], by: User, now: datetime
) -> Attachment:
    """Store the file and its row; it is noted in ``stored``.

    Raises:
        Refused: it is empty, too large, of a kind that is not taken, or on the case already.
    """
    name = (file.name or "file").replace("\\", "/").rsplit("/", 1)[-1][-150:]
    size = file.size or 0
    if size == 0:
        raise Refused(say("{name} is empty.", name=name), code=ComplaintRefusal.ATTACHMENT)
    if size > settings.ATTACHMENT_MAX_BYTES:
        raise Refused(
            say(
                "{name} is larger than {size} MB.",
                name=name,
                size=settings.ATTACHMENT_MAX_BYTES // 1024 // 1024,
            ),
            code=ComplaintRefusal.ATTACHMENT,
        )
    if file.content_type not in settings.ATTACHMENT_TYPES:
        raise Refused(
            say("{name}: files of this kind ({type}) are not taken.", name=name, type=file.content_type),
            code=ComplaintRefusal.ATTACHMENT,
        )
    digest = hashlib.sha256()
    for chunk in file.chunks():
        digest.update(chunk)
    if Attachment.objects.filter(complaint=complaint, sha256=digest.hexdigest()).exists():
        raise Refused(say("{name} is on the case already.", name=name), code=ComplaintRefusal.ATTACHMENT)
    file.seek(0)
    file.name = name  # nothing of a path that somebody made up
    attachment = Attachment(
        complaint=complaint,
        name=name,
        content_type=file.content_type or "",
        size=size,
        sha256=digest.hexdigest(),
        by=by,
        at=now,
    )
    attachment.file.save(name, file, save=False)
    stored.append(attachment)
    attachment.save()
    return attachment
