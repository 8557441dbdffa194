"""Serve, connect, run threads, timers, a subprocess and name resolution in uvloop's loop."""

import asyncio
import sys

import uvloop


async def echo(reader, writer):
    writer.write(await reader.readline())
    await writer.drain()
    writer.close()


async def main():
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    reader, writer = await asyncio.open_connection("localhost", port)
    writer.write(b"hello\n")
    assert await reader.readline() == b"hello\n"
    writer.close()
    server.close()
    loop = asyncio.get_running_loop()
    assert await loop.run_in_executor(None, sum, [1, 2, 3]) == 6
    await asyncio.sleep(0.01)
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", "print(42)", stdout=asyncio.subprocess.PIPE)
    out, _ = await child.communicate()
    assert out == b"42\n" and child.returncode == 0, (out, child.returncode)


uvloop.install()
asyncio.run(main())
