"""TLS records decrypted with a key log: a proof of what was inside, and no decoder. Needs the package `cryptography`.
"""
