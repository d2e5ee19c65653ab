"""The product's version, as ``/``, ``/metrics`` and ``/openapi.json`` tell it."""

VERSION = "0.1.0"
