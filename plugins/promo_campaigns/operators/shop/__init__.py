"""Blocks that stand between the store and the shop: codes that are made for it, and what it says of codes it took.

Each is loaded from here, so that the room of blocks holds one module a block of a workflow.
"""

from promo_campaigns.operators.shop.generate import GeneratePromoCodesOperator
from promo_campaigns.operators.shop.redemptions import LoadRedemptionFileOperator, LoadRedemptionsOperator

__all__ = ["GeneratePromoCodesOperator", "LoadRedemptionFileOperator", "LoadRedemptionsOperator"]
