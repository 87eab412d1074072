"""The model whose rows cross the wire."""

from __future__ import annotations

from django.db import models


class Note(models.Model):  # type: ignore[misc]  # Django has no types of its own
    body = models.CharField(max_length=200)

    class Meta:
        app_label = "notes"
