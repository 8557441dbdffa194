"""Hash a password, and derive a key."""

import bcrypt

hashed = bcrypt.hashpw(b"secret", bcrypt.gensalt(4))
assert bcrypt.checkpw(b"secret", hashed) and not bcrypt.checkpw(b"other", hashed)
assert len(bcrypt.kdf(b"secret", b"salt", 32, 50)) == 32
