#!/bin/sh
# certs.sh DIR : makes the certificates of the TLS specs with the openssl command.
#   ca.pem                       the authority that signed those below
#   good.{pem,key}               localhost and 127.0.0.1
#   wrong-host.{pem,key}         another name
#   expired.{pem,key}            localhost and 127.0.0.1, ended in 2001
#   self-signed.{pem,key}        localhost and 127.0.0.1, signed by nobody else
#   client.{pem,key}             for a client that shows who it is
# They hold for two days; made again when they are about to end.
set -eu
dir=$1
mkdir -p "$dir"
cd "$dir"
if [ -f complete ] && openssl x509 -checkend 3600 -noout -in good.pem >/dev/null; then exit 0; fi
rm -f complete

here='DNS:localhost,IP:127.0.0.1,IP:::1'
new_key="-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"

# An authority's book-keeping in the smallest form that `openssl ca` takes.
cat >ca.cnf <<CNF
[ca]
default_ca = this
[this]
dir = .
new_certs_dir = .
database = index.txt
rand_serial = yes
default_md = sha256
policy = any
unique_subject = no
copy_extensions = copy
[any]
commonName = supplied
CNF
: >index.txt

# signed NAME SUBJECT-ALT-NAMES VALIDITY... : the last are options of `openssl ca`.
signed() {
  name=$1 names=$2
  shift 2
  openssl req $new_key -keyout "$name.key" -out "$name.csr" -subj "/CN=$name" \
    -addext "subjectAltName=$names"
  openssl ca -batch -notext -config ca.cnf -cert ca.pem -keyfile ca.key \
    -in "$name.csr" -out "$name.pem" "$@"
}

make_all() {
  openssl req -x509 $new_key -keyout ca.key -out ca.pem -days 2 -subj "/CN=Test authority" \
    -addext "keyUsage=critical,keyCertSign,cRLSign"
  signed good "$here" -days 2
  signed wrong-host "DNS:elsewhere.example,IP:192.0.2.1" -days 2
  signed expired "$here" -startdate 20000101000000Z -enddate 20010101000000Z
  signed client "DNS:client.example" -days 2
  openssl req -x509 $new_key -keyout self-signed.key -out self-signed.pem -days 2 \
    -subj "/CN=self-signed" -addext "subjectAltName=$here"
}

make_all >openssl.log 2>&1 || { cat openssl.log >&2; exit 1; }
: >complete
