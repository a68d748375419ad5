#!/usr/bin/env bash
# Measures a change and compares it with a baseline. Copy it into your repository.
#
#   gate.sh BASELINE COMMAND…           is it worse? The exit code is the answer
#   gate.sh --store BASELINE COMMAND…   measure a new baseline
#
# BASELINE is a file, or REVISION:PATH of a file in git, such as origin/baselines:gate.jsonl.
# COMMAND measures; {} in it stands for the output file:
#
#   gate.sh ci/gate.jsonl ferrybench run --scenarios ci/mine.py mine --trials 0 --seed 1 -o {}
#   gate.sh ci/gate.json pytest benchmarks --ferrybench-memory --benchmark-json={}
#
# Exit code: 0 nothing is worse; 1 something is; 2 there is no baseline, or no such option;
# 3 nothing was judged, or what looks worse is undecided; 4 measuring failed.
# No further look is taken once none could decide: the comparison says what would.
#
# A baseline needs several readings of each case: ferrybench run --memory-trials 10, or for other
# commands GATE_BASES, which measures BASELINE again into neighbours of it: gate.2.json, gate.3.json …
#
# What looks worse is measured again, as often as it takes until chance can hardly have done it.
# ferrybench run then measures those cases alone; other commands measure everything again.
#
# GATE_FOLDER (gate-results)  where candidates, summary.md and junit.xml are written
# GATE_LOOKS (20)             how often a candidate that looks worse is measured at most
# GATE_BASES (1)              how often --store measures
# GATE_OPTIONS                further options of ferrybench compare, such as --strict
set -euo pipefail

folder=${GATE_FOLDER:-gate-results}
unset FERRYBENCH_ONLY # it is set below, where something looks worse

fail() { # CODE MESSAGE
    echo "gate: $2" >&2
    exit "$1"
}

measure() { # FILE COMMAND…
    local file=$1
    shift
    rm -f -- "$file"
    "${@//"{}"/"$file"}" || fail 4 "measuring failed with exit code $?: $*"
    [[ -s $file ]] || fail 4 "nothing was written to {}, which is $file: $*"
}

store=
if [[ ${1:-} == --store ]]; then
    store=yes
    shift
fi
[[ $# -ge 2 ]] || fail 2 "usage: gate.sh [--store] BASELINE COMMAND… with {} for the file to measure into"
baseline=$1
shift
[[ $* == *"{}"* ]] || fail 2 "write {} where the command takes the file to measure into: $*"
for count in GATE_BASES GATE_LOOKS; do
    [[ ${!count:-1} =~ ^[1-9][0-9]*$ ]] || fail 2 "$count=${!count}: give 1 or more"
done
mkdir -p -- "$folder"
# Files of an earlier change say nothing about this one.
suspects=$folder/suspects.txt
rm -f -- "$folder"/candidate-* "$folder/summary.md" "$folder/junit.xml" "$suspects"
stem=${baseline%.*} extension=${baseline##*.}

if [[ $store ]]; then
    for ((base = 1; base <= ${GATE_BASES:-1}; base++)); do
        measure "$folder/baseline-$base.$extension" "$@"
    done
    mkdir -p -- "$(dirname -- "$baseline")"
    mv -- "$folder/baseline-1.$extension" "$baseline"
    for ((base = 2; base <= ${GATE_BASES:-1}; base++)); do
        mv -- "$folder/baseline-$base.$extension" "$stem.$base.$extension"
    done
    # Of an earlier baseline, which was measured more often.
    for (( ; ; base++)); do
        [[ -f $stem.$base.$extension ]] || break
        rm -f -- "$stem.$base.$extension"
    done
    echo "gate: $baseline is the new baseline"
    exit 0
fi

# Before anything is measured: without a baseline, measuring would be pointless.
if [[ ! -f $baseline && $baseline == *:* ]]; then
    fetched=$folder/baseline
    git show "$baseline" >"$fetched.$extension" ||
        fail 2 "git has no $baseline: fetch its branch, or store a baseline there first"
    for ((base = 2; ; base++)); do
        git show "$stem.$base.$extension" >"$fetched.$base.$extension" 2>/dev/null || break
    done
    rm -f -- "$fetched.$base.$extension"
    stem=$fetched baseline=$fetched.$extension
fi
[[ -f $baseline ]] ||
    fail 2 "there is no baseline $baseline: make it with --store, in a checkout without the change"
bases=()
for ((base = 2; ; base++)); do
    [[ -f $stem.$base.$extension ]] || break
    bases+=(--base-again "$stem.$base.$extension")
done

candidates=()
for ((look = 1; look <= ${GATE_LOOKS:-20}; look++)); do
    candidate=$folder/candidate-$look.$extension
    measure "$candidate" "$@"
    candidates+=("$candidate")
    verdict=0
    # shellcheck disable=SC2086 # options must be split
    ferrybench compare "$baseline" "${candidates[@]}" ${bases[@]+"${bases[@]}"} \
        --markdown "$folder/summary.md" --junit "$folder/junit.xml" --suspects "$suspects" \
        --force ${GATE_OPTIONS:-} || verdict=$?
    [[ $verdict == [13] && -s $suspects && $look -lt ${GATE_LOOKS:-20} ]] || break
    echo "gate: measuring again what looks worse, look $((look + 1)) of ${GATE_LOOKS:-20} at most"
    export FERRYBENCH_ONLY=$suspects
done
if [[ ${GITHUB_STEP_SUMMARY:-} && -f $folder/summary.md ]]; then
    cat -- "$folder/summary.md" >>"$GITHUB_STEP_SUMMARY"
fi
exit "$verdict"
