"""Prints every record of a topic as a group's member: consumer.py TOPIC GROUP. Needs: pip install websockets"""

import asyncio
import json
import os
import sys

import websockets

URL = os.environ.get("SLUICE_URL", "http://127.0.0.1:8080").replace("http", "ws", 1)


async def main(topic, group):
    async with websockets.connect(f"{URL}/v1/ws?topics={topic}&group={group}&from=earliest") as socket:
        async for message in socket:
            frame = json.loads(message)
            if frame["type"] == "records":
                for record in frame["records"]:
                    print(json.dumps([record["key"], record["value"]]), flush=True)


asyncio.run(main(*sys.argv[1:3]))
