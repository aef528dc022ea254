#!/bin/sh
# Run a LAVA server with one worker in a file system with Debian's lava-server: database, web server, event publisher,
# scheduler, worker and TFTP server. They end with this script's process namespace. The devices are those in
# /lab/devices; the server uses a device only after it has passed its health check.
#
# Usage: sh inside.sh JOBS FILE       submits FILE JOBS times
#
# Prints `device NAME HEALTH` for each device and `job ID STATE HEALTH DEVICE` for each job. The exit code is 0 unless the
# server does not start; the caller checks the jobs' results.
set -eu
jobs=$1 definition=$2
server=http://127.0.0.1:8000
logs=/var/log/lava-server

mkdir -p /run/postgresql /run/lock "$logs"
chown postgres:postgres /run/postgresql
rm -f /var/lib/postgresql/*/main/postmaster.pid
pg_ctlcluster "$(ls /var/lib/postgresql)" main start
# Steps that the package's installation skips where no database runs.
cat > /etc/lava-server/settings.d/10-lab.yaml <<EOF
ALLOWED_HOSTS: ["*"]
SESSION_COOKIE_SECURE: false
CSRF_COOKIE_SECURE: false
EVENT_NOTIFICATION: true
EOF
python3 /usr/share/lava-server/postinst.py > "$logs/setup.log" 2>&1

cp -r /lab/device-types /lab/devices /lab/health-checks /etc/lava-server/dispatcher-config/
mkdir -p /etc/lava-server/dispatcher.d/worker
cp /lab/dispatcher.yaml /etc/lava-server/dispatcher.d/worker/dispatcher.yaml
manage() { lava-server manage "$@"; }
manage users add --superuser --staff --passwd "$(cat /proc/sys/kernel/random/uuid)" admin > /dev/null
token=$(manage tokens add --user admin)
manage device-types add fauxboot > /dev/null

in.tftpd --listen --user root --address "$(sed -n 's/^dispatcher_ip: //p' /lab/dispatcher.yaml):69" --secure /srv/tftp
gunicorn3 lava_server.wsgi --log-level INFO --log-file "$logs/gunicorn.log" -u lavaserver -g lavaserver \
  --worker-class eventlet --workers 2 --bind 127.0.0.1:8000 &
manage lava-publisher --level INFO --log-file "$logs/lava-publisher.log" --host 127.0.0.1 --port 8001 &
manage lava-scheduler --level DEBUG --log-file "$logs/lava-scheduler.log" --event-url tcp://127.0.0.1:5500 &
# The worker registers itself, which the server allows on loopback.
lava-worker --name worker --level INFO --url "$server/" --ws-url http://127.0.0.1:8001/ws/ > "$logs/lava-worker.log" 2>&1 &

cli() { lavacli --uri "http://admin:$token@127.0.0.1:8000/RPC2" "$@"; }
tries=0
until cli workers list 2> /dev/null | grep -q 'worker$'; do
  tries=$((tries + 1))
  [ "$tries" -lt 60 ] || { echo "no worker at $server: see $logs" >&2; exit 1; }
  sleep 1
done
echo "server $(cli system version)"

for file in /lab/devices/*.jinja2; do
  name=$(basename "$file" .jinja2)
  manage devices add --device-type fauxboot --worker worker "$name" > /dev/null
  # The scheduler runs a health check on a device of unknown health before any other job.
  manage devices update --health UNKNOWN "$name"
done
submitted=$(for number in $(seq "$jobs"); do cli jobs submit "$definition"; done)

for job in $submitted; do
  cli jobs wait --timeout 7200 --polling 5 "$job" > /dev/null
  cli jobs show --yaml "$job" | python3 -c '
import sys, yaml
job = yaml.safe_load(sys.stdin)
print("job", job["id"], job["state"], job["health"], job["device"])'
done
for file in /lab/devices/*.jinja2; do
  name=$(basename "$file" .jinja2)
  cli devices show --yaml "$name" | python3 -c '
import sys, yaml
device = yaml.safe_load(sys.stdin)
print("device", device["hostname"] if "hostname" in device else device["name"], device["health"])'
done
