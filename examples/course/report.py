"""Reads a whole topic and tells what each sensor has written: report.py TOPIC"""

import sys

from gateway import send

if len(sys.argv) < 2:
    sys.exit(__doc__)

sensors = {}
position = {"from": "earliest"}
caught_up = False
while not caught_up:
    page = send("GET", f"/v1/topics/{sys.argv[1]}/records", params=position)
    for record in page["records"]:
        # A topic takes whatever is written to it: what is no measurement is passed over.
        if isinstance(record["value"], dict) and "sensor" in record["value"]:
            sensors.setdefault(record["key"], []).append(record)
    # Where the next page begins.
    position = {"cursor": page["cursor"]}
    caught_up = page["caughtUp"]

for sensor, records in sorted(sensors.items()):
    partitions = sorted({record["partition"] for record in records})
    numbers = [record["value"]["n"] for record in records]
    verdict = "each once, in order" if numbers == list(range(len(numbers))) else f"not as written: {numbers}"
    print(f"{sensor}: {len(numbers)} records in partition {partitions}, {verdict}")
