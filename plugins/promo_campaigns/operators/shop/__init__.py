"""Blocks that stand between the store and the shop: codes that are made for it, and what it says of codes it took.

Each is loaded from here, so that the room of blocks holds one module a block of a workflow.
"""

from promo_campaigns.operators.shop.generate import GeneratePromoCodesOperator

__all__ = ["GeneratePromoCodesOperator"]
