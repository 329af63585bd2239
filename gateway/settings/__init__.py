"""What the gateway needs to start: the configuration file, read and checked."""

from gateway.settings.kept import kept_secret, kept_secret_path, learned_fields, load_field_map, read_field_file
from gateway.settings.read import load_settings
from gateway.settings.values import (
    SANDBOX,
    SANDBOX_CHAT,
    SANDBOXES_VARIABLE,
    STARTER_FIELDS,
    STARTER_POLICY,
    HelpdeskSettings,
    NotifierSettings,
    Settings,
    SettingsError,
    SourceSettings,
)

__all__ = [
    "SANDBOX",
    "SANDBOXES_VARIABLE",
    "SANDBOX_CHAT",
    "STARTER_FIELDS",
    "STARTER_POLICY",
    "HelpdeskSettings",
    "NotifierSettings",
    "Settings",
    "SettingsError",
    "SourceSettings",
    "kept_secret",
    "kept_secret_path",
    "learned_fields",
    "load_field_map",
    "load_settings",
    "read_field_file",
]
