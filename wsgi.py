"""For a WSGI server: `gunicorn wsgi:app`."""

from gateway.app import create_app

app = create_app()
