#!/bin/bash
# Start a Ray cluster of this one machine, token on, loopback only:   bash cluster/local/start.sh
# It prints what to export to submit jobs to it. Further arguments go to `ray start`:
#   bash cluster/local/start.sh --num-cpus 8
# Stop it:   bash cluster/local/stop.sh
set -euo pipefail
umask 077 # the token and the logs are for this user alone
cd "$(dirname "$0")/../.."
ray=$PWD/.venv/bin/ray
state=${CLISM_LOCAL:-/tmp/clism-ray-$(id -u)} # a short path: those of sockets have an end at 107
port=${CLISM_LOCAL_PORT:-6380}                # not Ray's own 6379: another cluster may run here
dashboard=${CLISM_LOCAL_DASHBOARD:-8265}

[[ -d $state ]] || mkdir "$state"
if [[ ! -O $state || -L $state ]]; then
  echo "$state belongs to someone else; name another folder with CLISM_LOCAL=..." >&2
  exit 2
fi
if [[ -f $state/pid ]] && kill -0 "$(<"$state/pid")" 2>/dev/null; then
  echo "already running, as process $(<"$state/pid"); bash cluster/local/stop.sh stops it" >&2
  exit 2
fi

export RAY_AUTH_MODE=token RAY_USAGE_STATS_ENABLED=0
"$ray" get-auth-token --generate >/dev/null 2>&1 # keeps the token that is there
chmod 600 ~/.ray/auth_token                      # one that is older than this script

# Ray takes 127.0.0.1 for the machine's address in the network, and listens there, unless clusters
# of several machines are off. With --block one process holds all others: to stop it stops this
# cluster and no other. Jobs run with the Python of .venv, whatever the PATH was. Ray keeps a process a
# CPU, those of a run's workers among them; with few it would start one anew for each block to mask.
# Steps on a CPU are a tenth faster where tensors get large pages.
GLIBC_TUNABLES=${GLIBC_TUNABLES:-glibc.malloc.hugetlb=1} \
RAY_num_workers_soft_limit=${RAY_num_workers_soft_limit:-$(($(getconf _NPROCESSORS_ONLN) + 16))} \
RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER=0 PATH=$PWD/.venv/bin:$PATH nohup "$ray" start --head --block \
  --node-ip-address 127.0.0.1 --port "$port" --temp-dir "$state" \
  --dashboard-host 127.0.0.1 --dashboard-port "$dashboard" "$@" >"$state/start.log" 2>&1 &
pid=$!
echo "$pid" >"$state/pid"

address=http://127.0.0.1:$dashboard
for _ in {1..40}; do
  if (cd "$state" && "$ray" job submit --address "$address" -- true) >/dev/null 2>&1; then
    echo "export RAY_AUTH_MODE=token RAY_ADDRESS=$address"
    exit 0
  fi
  kill -0 "$pid" 2>/dev/null || break
  sleep 1
done
tail -n 20 "$state/start.log" >&2
echo "the cluster took no job (all of it: $state/start.log)" >&2
bash cluster/local/stop.sh >/dev/null
exit 1
