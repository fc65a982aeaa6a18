"""Peak GPU memory by named part, by arithmetic alone: pure, no framework, no device."""

from __future__ import annotations

from advisor.memory.answer import GIB, Estimate, Range, Span
from advisor.memory.of_recipe import of_recipe
from advisor.memory.parse import spec_from
from advisor.memory.peak import estimate
from advisor.memory.quick import for_method, least_for_method
from advisor.memory.spec import Spec

__all__ = [
    "GIB",
    "Estimate",
    "Range",
    "Span",
    "Spec",
    "estimate",
    "for_method",
    "least_for_method",
    "of_recipe",
    "spec_from",
]
