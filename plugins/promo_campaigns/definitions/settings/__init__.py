"""How settings are read: their types, what a workflow's model takes, errors by line, trigger form, JSON schema."""

__all__ = ["model", "setting_errors", "setting_types", "settings_schema", "text_settings"]
