"""Outbound wire formats. Importing the package registers them all in ``ADAPTERS``, by wire name."""

import providers.adapters.anthropic
import providers.adapters.cohere
import providers.adapters.gemini
import providers.adapters.ollama
import providers.adapters.openai
import providers.adapters.tei  # noqa: F401  registers itself
from providers.adapters.base import ADAPTERS as ADAPTERS
