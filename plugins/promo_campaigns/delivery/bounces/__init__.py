"""What comes back as mails: bounces (RFC 3464) and complaints (RFC 5965), read and traced to what was sent."""

__all__ = ["hearing", "mail_files", "reports"]
