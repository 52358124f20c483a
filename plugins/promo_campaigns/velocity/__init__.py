"""Velocity templates compiled to Python functions: exact, bounded, and without access to Python."""

from promo_campaigns.model.errors import LimitExceededError, TemplateError, TemplateRenderError, TemplateSyntaxError
from promo_campaigns.velocity.limits import Limits
from promo_campaigns.velocity.parser.inspection import BoundSource
from promo_campaigns.velocity.parser.names import ANYTHING, Names, Several, Shape, UnknownName
from promo_campaigns.velocity.satisfiable import can_hold
from promo_campaigns.velocity.template import Template, compile_template

__all__ = [
    "ANYTHING",
    "BoundSource",
    "LimitExceededError",
    "Limits",
    "Names",
    "Several",
    "Shape",
    "Template",
    "TemplateError",
    "TemplateRenderError",
    "TemplateSyntaxError",
    "UnknownName",
    "can_hold",
    "compile_template",
    "template",
]
