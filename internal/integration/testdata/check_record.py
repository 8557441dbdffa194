"""Check every row of a wheel's RECORD against its members, with no wheel library."""

import base64
import csv
import hashlib
import io
import sys
import zipfile


def check(path):
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None, "CRC"
        names = [name for name in archive.namelist() if not name.endswith("/")]
        assert len(names) == len(set(names)), "duplicate members"
        (record,) = [n for n in names if n.count("/") == 1 and n.endswith(".dist-info/RECORD")]
        assert names[-1] == record, f"last member is {names[-1]}"
        rows = list(csv.reader(io.StringIO(archive.read(record).decode())))
        assert sorted(row[0] for row in rows) == sorted(names), "rows and members differ"
        for name, digest, size in rows:
            if name == record:
                assert (digest, size) == ("", ""), "RECORD has a digest of itself"
                continue
            data = archive.read(name)
            kind, _, want = digest.partition("=")
            got = base64.urlsafe_b64encode(hashlib.new(kind, data).digest()).rstrip(b"=").decode()
            assert got == want, f"{name}: digest {want}, file has {got}"
            assert int(size) == len(data), f"{name}: size {size}, file has {len(data)}"


check(sys.argv[1])
