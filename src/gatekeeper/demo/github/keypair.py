"""The key pair of an App."""

from __future__ import annotations

from functools import cache

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa


class AppKey:
    """An App's key pair: the private half signs its JSON Web Tokens, GitHub keeps the public one.

    Attributes:
        private: PEM, as GitHub lets it be downloaded once.
        public: PEM.
    """

    def __init__(self) -> None:
        key = rsa.generate_private_key(public_exponent=65_537, key_size=2048)
        self.private = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        ).decode()
        public = key.public_key()
        self.public = public.public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        ).decode()

    @classmethod
    @cache
    def shared(cls) -> AppKey:
        """One key for every stand-in of this process: making one takes a while."""
        return cls()
