"""Hearth's Python shim: what runs inside a function's process. See shims/README.md."""
