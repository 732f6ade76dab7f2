#!/bin/sh
# Prints what comes of a topic: consumer.sh TOPIC [GROUP]. As a group's member with websocat, which goes on where the group
# has committed; without a group with curl, a record a line.
url=${SLUICE_URL:-http://127.0.0.1:8080}

if [ -n "$2" ]; then
  while :; do
    websocat -n "ws${url#http}/v1/ws?topics=$1&group=$2&from=earliest" </dev/null
    sleep 0.5
  done
fi
curl -sN -H 'accept: application/x-ndjson' "$url/v1/topics/$1/records?from=earliest&follow=true"
