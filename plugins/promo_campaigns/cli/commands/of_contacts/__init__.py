"""Commands of ``promo contacts`` about closed channels and mails that came back; ``commands.contacts`` names them."""

__all__ = ["bounces", "channels"]
