"""The project's settings. The runner fills in the database, as a deployment would."""

from __future__ import annotations

INSTALLED_APPS = ["django_project.notes"]
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
USE_TZ = True
DATABASES: dict[str, dict[str, object]] = {"default": {"ENGINE": "django.db.backends.mysql"}}
