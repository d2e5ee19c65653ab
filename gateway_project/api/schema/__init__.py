"""What ``/openapi.json`` says. Loaded when it is first asked for: most workers never need it."""
