#!/bin/bash
# Start Ray on a Slurm allocation, token on, run one job on it, and stop it.
#   sbatch --nodes 2 --gpus-per-node 8 --cpus-per-task 96 cluster/slurm.sh \
#     python jobs/... --config ...
# from the top of this repository, after `sh cluster/install.sh`, on a file system that all nodes
# see. Options of sbatch given there go before those below. The job's exit code is the script's.
# To submit it again goes on from the last checkpoint. Slurm tells it two minutes before its time
# is up, and it passes that on to the job, which then has the time to end.
#SBATCH --job-name=clism
#SBATCH --ntasks-per-node=1
#SBATCH --exclusive
#SBATCH --signal=B:TERM@120
#SBATCH --output=%x-%j.log
set -euo pipefail
umask 077
cd "${SLURM_SUBMIT_DIR:?run this with sbatch}"
if (($# == 0)); then
  echo "give the command to run: sbatch ... cluster/slurm.sh python jobs/X.py --config FILE" >&2
  exit 2
fi

# Only nodes of this allocation know the token: a file in the home that they share, of this job.
secrets=$HOME/.clism_ray/slurm-$SLURM_JOB_ID
mkdir -p "$secrets"
export RAY_AUTH_MODE=token RAY_AUTH_TOKEN_PATH=$secrets/token RAY_USAGE_STATS_ENABLED=0
python3 -c 'import secrets; print(secrets.token_hex(32), end="")' >"$RAY_AUTH_TOKEN_PATH"

# shellcheck source=/dev/null
. .venv/bin/activate
mapfile -t nodes < <(scontrol show hostnames "$SLURM_JOB_NODELIST")
# Not `hostname --ip-address`: many machines call themselves 127.0.1.1.
head=$(srun --nodes 1 --ntasks 1 --nodelist "${nodes[0]}" \
  python3 -c 'import ray; print(ray.util.get_node_ip_address())')
port=$((20000 + SLURM_JOB_ID % 10000)) # another job may have a Ray on the same node
dashboard=$((port + 10000))
cpus=${SLURM_CPUS_PER_TASK:-$SLURM_CPUS_ON_NODE}
gpus=${SLURM_GPUS_ON_NODE:-0}
running=()

start() { # node, arguments of ray start; Ray ends with its Slurm step
  local node=$1
  shift
  srun --nodes 1 --ntasks 1 --overlap --nodelist "$node" \
    ray start --block --temp-dir "/tmp/ray-$SLURM_JOB_ID" \
    --num-cpus "$cpus" --num-gpus "$gpus" "$@" &
  running+=($!)
}

# shellcheck disable=SC2329 # the trap calls it
stop() {
  trap - EXIT TERM
  ((${#running[@]})) && kill "${running[@]}" 2>/dev/null
  wait
  rm -rf "$secrets"
}
trap stop EXIT
trap 'exit 143' TERM # before the job runs

joined() { # how many nodes must have; fails after five minutes
  python3 - "$1" <<'WAIT' &
import sys, time
import ray

until = time.time() + 300
while time.time() < until:
    try:
        ray.init(logging_level="ERROR", log_to_driver=False)
        if sum(node["Alive"] for node in ray.nodes()) >= int(sys.argv[1]):
            sys.exit()
        ray.shutdown()
    except (ConnectionError, RuntimeError):
        pass
    time.sleep(2)
sys.exit("Ray did not start on all nodes of the allocation within five minutes")
WAIT
  running+=($!)
  wait $!
}

export RAY_ADDRESS=$head:$port
start "${nodes[0]}" --head --node-ip-address "$head" --port "$port" \
  --dashboard-host 127.0.0.1 --dashboard-port "$dashboard"
joined 1 # a node that comes before the head gives up
for node in "${nodes[@]:1}"; do
  start "$node" --address "$RAY_ADDRESS"
done
joined "${#nodes[@]}"

# The job is started by hand and not by `ray job submit`: the script's node is the head, and so
# the signal and the exit code are the job's own.
"$@" &
job=$!
trap 'kill -TERM "$job" 2>/dev/null' TERM
until ! kill -0 "$job" 2>/dev/null; do # a signal ends a wait, and the job a little later
  wait "$job" || true
done
wait "$job" # its exit code, which the shell remembers
