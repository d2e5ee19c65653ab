"""The pages on which providers, their keys, models and prices are edited."""

from . import models, provider

__all__ = ["models", "provider"]
