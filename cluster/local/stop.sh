#!/bin/bash
# Stop the cluster that cluster/local/start.sh started, and no other:   bash cluster/local/stop.sh
set -euo pipefail
state=${CLISM_LOCAL:-/tmp/clism-ray-$(id -u)}

if [[ ! -f $state/pid ]] || ! kill -0 "$(<"$state/pid")" 2>/dev/null; then
  echo "no cluster of cluster/local/start.sh is running here"
  rm -f "$state/pid"
  exit 0
fi
pid=$(<"$state/pid")
kill "$pid" # `ray start --block` ends what it started
for _ in {1..30}; do
  if ! kill -0 "$pid" 2>/dev/null; then
    rm "$state/pid"
    exit 0
  fi
  sleep 1
done
echo "process $pid is still there; see $state/start.log" >&2
exit 1
