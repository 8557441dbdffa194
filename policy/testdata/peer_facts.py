"""Print, as JSON, what every policy of the installed auditwheel says."""

import json
import re
from pathlib import Path

from auditwheel.architecture import Architecture
from auditwheel.libc import Libc
from auditwheel.policy import _POLICY_JSON_MAP, WheelPolicies

facts = []
for libc in (Libc.GLIBC, Libc.MUSL):
    written = json.loads(_POLICY_JSON_MAP[libc].read_text())
    for arch in sorted({a for p in written for a in p["symbol_versions"]}):
        policies = []
        if libc is Libc.GLIBC:
            policies += WheelPolicies(libc=libc, arch=Architecture(arch))
        else:  # auditwheel looks at one musl at a time
            for p in written:
                if arch in p["symbol_versions"]:
                    policies += WheelPolicies(libc=libc, arch=Architecture(arch), musl_policy=p["name"])
        named = [p for p in policies if not re.match("linux_", p.name)]
        for p in sorted(named, key=lambda p: -p.priority):
            facts.append(
                {
                    "Tag": p.name,
                    "Aliases": list(p.aliases),
                    "Libraries": sorted(p.whitelist),
                    "Versions": {k: sorted(v) for k, v in p.symbol_versions.items()},
                    "Forbidden": {k: sorted(v) for k, v in p.blacklist.items()},
                }
            )
# Of Android it looks at the level that a file name has, for these architectures.
for arch, spelt in ("aarch64", "arm64_v8a"), ("x86_64", "x86_64"):
    for level in range(21, 37):
        name = Path(f"demo-1.0-py3-none-android_{level}_{spelt}.whl")
        of_level = WheelPolicies(libc=Libc.ANDROID, arch=Architecture(arch), wheel_fn=name)
        for p in of_level:
            if p.name != of_level.linux.name:
                facts.append({"Tag": p.name, "Aliases": [], "Libraries": sorted(p.whitelist), "Versions": {}, "Forbidden": {}})
print(json.dumps(facts))
