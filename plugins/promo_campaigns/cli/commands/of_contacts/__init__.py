"""Commands of ``promo contacts`` that are about closed channels; ``commands.contacts`` gives them their names."""

__all__ = ["channels"]
