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
# 3 nothing can be compared; 4 measuring failed.
#
# What looks worse is measured again before it is reported, so that chance variation is not.
#
# GATE_FOLDER (gate-results)  where candidates, summary.md and junit.xml are written
# GATE_LOOKS (3)              how often a candidate that looks worse is measured in total
# GATE_OPTIONS                further options of ferrybench compare, such as --strict
set -euo pipefail

folder=${GATE_FOLDER:-gate-results}

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
mkdir -p -- "$folder"
# Files of an earlier change say nothing about this one.
rm -f -- "$folder"/candidate-* "$folder/summary.md" "$folder/junit.xml"

if [[ $store ]]; then
    stored=$folder/baseline.${baseline##*.}
    measure "$stored" "$@"
    mkdir -p -- "$(dirname -- "$baseline")"
    mv -- "$stored" "$baseline"
    echo "gate: $baseline is the new baseline"
    exit 0
fi

# Before anything is measured: without a baseline, measuring would be pointless.
if [[ ! -f $baseline && $baseline == *:* ]]; then
    git show "$baseline" >"$folder/baseline.${baseline##*.}" ||
        fail 2 "git has no $baseline: fetch its branch, or store a baseline there first"
    baseline=$folder/baseline.${baseline##*.}
fi
[[ -f $baseline ]] ||
    fail 2 "there is no baseline $baseline: make it with --store, in a checkout without the change"

candidates=()
for ((look = 1; look <= ${GATE_LOOKS:-3}; look++)); do
    candidate=$folder/candidate-$look.${baseline##*.}
    measure "$candidate" "$@"
    candidates+=("$candidate")
    verdict=0
    # shellcheck disable=SC2086 # options must be split
    ferrybench compare "$baseline" "${candidates[@]}" --markdown "$folder/summary.md" \
        --junit "$folder/junit.xml" --force ${GATE_OPTIONS:-} || verdict=$?
    [[ $verdict -eq 1 && $look -lt ${GATE_LOOKS:-3} ]] || break
    echo "gate: measuring again what looks worse, look $((look + 1)) of ${GATE_LOOKS:-3}"
done
if [[ ${GITHUB_STEP_SUMMARY:-} && -f $folder/summary.md ]]; then
    cat -- "$folder/summary.md" >>"$GITHUB_STEP_SUMMARY"
fi
exit "$verdict"
