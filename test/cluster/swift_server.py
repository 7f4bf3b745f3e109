"""An OpenStack Swift with its S3 API on loopback: all of it in one process, for tests.

swift_server.py FOLDER USER SECRET: prints its port once it answers; FOLDER must have extended
attributes. Swift itself checks the signatures.
"""

import os
import sys
from array import array
from time import time as now

import eventlet

eventlet.patcher.monkey_patch(all=False, socket=True, select=True, thread=True)

from swift.common import utils  # noqa: E402

folder, user, secret = sys.argv[1:4]
KINDS = ("account", "container", "object")
CONFIGURATION = {
    "swift.conf": """
[swift-hash]
swift_hash_path_suffix = tests
[storage-policy:0]
name = only
default = yes
""",
    "proxy": f"""
[DEFAULT]
swift_dir = {folder}
[pipeline:main]
pipeline = catch_errors gatekeeper listing_formats s3api tempauth slo proxy-logging proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
node_timeout = 30
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:gatekeeper]
use = egg:swift#gatekeeper
[filter:listing_formats]
use = egg:swift#listing_formats
[filter:proxy-logging]
use = egg:swift#proxy_logging
[filter:s3api]
use = egg:swift#s3api
location = eu-central-1
auth_pipeline_check = false
[filter:tempauth]
use = egg:swift#tempauth
user_test_{user} = {secret} .admin
[filter:slo]
use = egg:swift#slo
""",
}
for kind in KINDS:
    CONFIGURATION[kind] = f"""
[DEFAULT]
swift_dir = {folder}
devices = {folder}/devices
mount_check = false
fallocate_reserve = 0
[pipeline:main]
pipeline = {kind}-server
[app:{kind}-server]
use = egg:swift#{kind}
"""

os.makedirs(f"{folder}/devices/d1", exist_ok=True)
for name, text in CONFIGURATION.items():
    path = name if name.endswith(".conf") else f"{name}-server.conf"
    with open(os.path.join(folder, path), "w", encoding="utf-8") as file:
        file.write(text)
utils.set_swift_dir(folder)

from eventlet import wsgi  # noqa: E402
from swift.common.ring import RingData  # noqa: E402
from swift.common.storage_policy import reload_storage_policies  # noqa: E402
from swift.common.http_protocol import SwiftHttpProtocol  # noqa: E402
from swift.common.wsgi import loadapp  # noqa: E402

reload_storage_policies()
# No file of a test outlives the machine.
os.fsync = os.fdatasync = lambda _: None


class Cache:
    """What memcached would do."""

    def __init__(self):
        self.values = {}

    def get(self, key, raise_on_error=False):
        value, until = self.values.get(key, (None, 0))
        return value if until == 0 or until > now() else None

    def set(self, key, value, time=0, **_):
        self.values[key] = (value, time and now() + time)

    def incr(self, key, delta=1, time=0):
        value = int(self.get(key) or 0) + int(delta)
        self.set(key, value, time=time)
        return value

    def delete(self, key, server_key=None):
        self.values.pop(key, None)


def with_cache(app, cache):
    return lambda env, start: app({**env, "swift.cache": cache}, start)


def listen():
    return eventlet.listen(("127.0.0.1", 0), backlog=1024)


def serve(kind, socket):
    app = loadapp(f"{folder}/{kind}-server.conf", global_conf={"log_level": "ERROR"})
    return eventlet.spawn(
        wsgi.server,
        socket,
        with_cache(app, Cache()),
        log=utils.NullLogger(),
        log_output=False,
        protocol=SwiftHttpProtocol,
        max_size=1024,
        # Whoever comes back to a connection must find it.
        socket_timeout=None,
    )


sockets = {kind: listen() for kind in KINDS}
for kind, socket in sockets.items():
    device = {
        "id": 0,
        "region": 1,
        "zone": 1,
        "ip": "127.0.0.1",
        "port": socket.getsockname()[1],
        "device": "d1",
        "weight": 1,
        "replication_ip": "127.0.0.1",
        "replication_port": socket.getsockname()[1],
    }
    parts = 4
    RingData([array("H", [0] * (1 << parts))], [device], 32 - parts).save(f"{folder}/{kind}.ring.gz")
servers = [serve(kind, socket) for kind, socket in sockets.items()]
front = listen()
servers.append(serve("proxy", front))
print(front.getsockname()[1], flush=True)


def until_abandoned():
    """Whoever has started this holds its stdin open."""
    while eventlet.tpool.execute(sys.stdin.buffer.read, 1):
        pass
    os._exit(0)


until_abandoned()
