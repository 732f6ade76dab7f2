"""Produces numbered records over HTTP: producer.py TOPIC [COUNT] [NAME]. Needs: pip install requests"""

import os
import sys

import requests

URL = os.environ.get("SLUICE_URL", "http://127.0.0.1:8080")
topic = sys.argv[1]
count = int(sys.argv[2]) if len(sys.argv) > 2 else 100
name = sys.argv[3] if len(sys.argv) > 3 else "producer"

with requests.Session() as session:
    for n in range(count):
        answer = session.post(f"{URL}/v1/topics/{topic}/records", json={"key": name, "value": {"from": name, "n": n}})
        answer.raise_for_status()
print(f"{name}: {count} records written")
