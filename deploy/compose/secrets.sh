#!/bin/sh
# Makes what compose.secure.yaml keeps out of the repo: an authority of its own, certificates for Kafka, its administrator and
# the gateway, and a password. Takes openssl. Certificates last a year; run it again to replace them all.
#   sh deploy/compose/secrets.sh [FOLDER [NAME]...]   further names or addresses by which clients reach the gateway
set -eu
dir=${1:-$(dirname "$0")/secrets}
[ $# -eq 0 ] || shift
# The folder keeps others on this machine out; the files in it are read by other users, those inside of the containers.
mkdir -p "$dir"
chmod 700 "$dir"
cd "$dir"
umask 022

new_key='-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes'
openssl req -x509 $new_key -subj '/CN=Sluice compose authority' -days 365 -keyout ca.key -out ca.pem 2>/dev/null
chmod 600 ca.key

# issue NAME SUBJECT_ALTERNATIVE_NAMES
issue() {
  openssl req $new_key -subj "/CN=$1" -addext "subjectAltName=$2" -keyout "$1.key" -out "$1.csr" 2>/dev/null
  openssl x509 -req -in "$1.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -days 365 -copy_extensions copy \
    -out "$1.pem" 2>/dev/null
  chmod 644 "$1.key"
  rm "$1.csr"
}

names=DNS:localhost,DNS:gateway,IP:127.0.0.1
for name in "$@"; do
  case $name in
    *[!0-9.]*) names=$names,DNS:$name ;;
    *) names=$names,IP:$name ;;
  esac
done
issue kafka DNS:kafka,DNS:localhost,IP:127.0.0.1
issue admin DNS:admin
issue gateway "$names"

# Kafka takes a key and its certificate in one file.
for name in kafka admin; do
  cat "$name.key" "$name.pem" > "$name-store.pem"
  rm "$name.key" "$name.pem"
done
openssl rand -hex 32 > kafka-password
rm -f ca.srl
echo "made in $dir: $(echo *)"
