#!/bin/sh
# Gives the gateway's user at Kafka its password and what it may do: anything to topics, groups and transactions. For the
# gateway's routes about the cluster, ACLs and users it takes `--cluster` as well. Safe to repeat.
set -eu
PATH=$PATH:/opt/kafka/bin
admin=$1
shift
password=$(cat "$1")
shift
kafka-acls.sh --bootstrap-server "$@" --command-config "$admin" --add --allow-principal User:sluice \
  --operation All --topic '*' --group '*' --transactional-id '*' > /dev/null &
acls=$!
kafka-configs.sh --bootstrap-server "$@" --command-config "$admin" --alter --entity-type users --entity-name sluice \
  --add-config "SCRAM-SHA-512=[password=$password]"
wait $acls
