"""Ask libpq for its version, and for a server that is not there."""

import psycopg2
import psycopg2.extensions

assert psycopg2.extensions.libpq_version() >= 100000, psycopg2.extensions.libpq_version()
try:
    # Port 1 of this machine: nothing listens there, and nothing leaves it.
    psycopg2.connect("host=127.0.0.1 port=1 connect_timeout=2 dbname=none")
except psycopg2.OperationalError as error:
    assert "127.0.0.1" in str(error), error
else:
    raise AssertionError("a server answered on port 1")
assert psycopg2.extensions.make_dsn(dbname="a b") == "dbname='a b'"
