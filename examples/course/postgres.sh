#!/bin/sh
# A PostgreSQL for the course, in folder PGHOST, which only programs of this machine reach: postgres.sh start | stop
set -e
initdb=$(command -v initdb || ls /usr/lib/postgresql/*/bin/initdb /opt/homebrew/opt/postgresql*/bin/initdb 2>/dev/null | tail -n 1)
[ -n "$initdb" ] || { echo 'there is no PostgreSQL: apt-get install postgresql, or brew install postgresql' >&2; exit 1; }
bin=$(dirname "$initdb")

mkdir -p "$PGHOST"
cd "$PGHOST"
run() { "$@"; }
# PostgreSQL does not run as root.
if [ "$(id -u)" -eq 0 ]; then
  user=postgres
  id $user >/dev/null 2>&1 || user=nobody
  chown $user "$PGHOST"
  run() { runuser -u $user -- "$@"; }
fi

case $1 in
start)
  [ -d data ] || run "$bin/initdb" --pgdata=data --username="$PGUSER" --auth=trust --encoding=UTF8 --locale=C >/dev/null
  # wal_level=logical: its log says which rows have changed.
  run "$bin/pg_ctl" --pgdata=data --log=log --wait start \
    -o "-c wal_level=logical -c listen_addresses= -c unix_socket_directories='$PGHOST'" >/dev/null
  echo "PostgreSQL runs in $PGHOST"
  ;;
stop)
  run "$bin/pg_ctl" --pgdata=data --mode=fast --wait stop >/dev/null
  echo 'PostgreSQL has stopped'
  ;;
*)
  echo 'postgres.sh start | stop' >&2
  exit 1
  ;;
esac
