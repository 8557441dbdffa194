from ._core import xxh64

__all__ = ["xxh64"]
