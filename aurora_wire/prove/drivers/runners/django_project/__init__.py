"""A Django project of one app with one model, as small as they come: settings, and the notes app."""
