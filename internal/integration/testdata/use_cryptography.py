"""Sign, encrypt and hash, with OpenSSL and with Rust code."""

import os

os.environ["CRYPTOGRAPHY_OPENSSL_NO_LEGACY"] = "1"  # a module that OpenSSL loads by path

from cryptography import x509  # noqa: E402
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

box = Fernet(Fernet.generate_key())
assert box.decrypt(box.encrypt(b"secret")) == b"secret"
key = ec.generate_private_key(ec.SECP256R1())
key.public_key().verify(key.sign(b"text", ec.ECDSA(hashes.SHA256())), b"text", ec.ECDSA(hashes.SHA256()))
key = rsa.generate_private_key(65537, 2048)
key.public_key().verify(key.sign(b"text", padding.PKCS1v15(), hashes.SHA256()), b"text", padding.PKCS1v15(), hashes.SHA256())
name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "demo")])
request = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
again = x509.load_pem_x509_csr(request.public_bytes(serialization.Encoding.PEM))
assert again.is_signature_valid and again.subject == name
digest = hashes.Hash(hashes.SHA256())
digest.update(b"abc")
assert digest.finalize().hex().startswith("ba7816bf")
