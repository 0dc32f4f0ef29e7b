#!/bin/bash
# From full HA to lightweight: the plan of lwlint @VERSION@ for @SOURCE@.
#
#   plan.sh            take the steps that are not taken yet; run it again after any interruption
#   plan.sh --dry-run  simulate each step on a copy of the live CIB, and change nothing
#   plan.sh --undo     take back what was done, the last step first
#
# It runs as root on a node of the cluster. LW_STATE: the folder that it keeps its copies in (default ./lwlint-plan); they hold the
# cluster's secrets, and --undo goes by them. LW_ON: a program that is given a node and a command (default: ssh, as it is set up for root).
# LW_WAIT: seconds that the cluster may take to settle (default 600). LW_REST: seconds between two looks at whether it has (default 5).
# LW_PAUSE: seconds between two refreshes (default 2).
set -u
umask 077
unset CIB_file CIB_shadow
export LC_ALL=C
S=${LW_STATE:-./lwlint-plan}
MODE=run
case ${1:-} in
'') ;;
--dry-run) MODE=dry ;;
--undo) MODE=undo ;;
*)
  echo "usage: $0 [--dry-run | --undo]" >&2
  exit 2
  ;;
esac
NODES=(@NODES@)
CORE=(@CORE@)
UNITS=@UNITS@
PROGRAMS=@PROGRAMS@

die() {
  echo "STOPPED: $*" >&2
  exit 1
}
on() { # NODE COMMAND
  if [ -n "${LW_ON:-}" ]; then
    "$LW_ON" "$1" "$2"
  else # a node that dies must not hold this up
    ssh -n -o BatchMode=yes -o ConnectTimeout=10 -o ServerAliveInterval=5 -o ServerAliveCountMax=3 -- "$1" "$2"
  fi
}
# CIB: what the scheduler would do with it to what runs, one action a line, without the numbers of instances
planned() {
  crm_simulate --simulate --xml-file "$1" >"$S/simulate.out" 2>"$S/simulate.err" || die "crm_simulate: $(tail -n 1 "$S/simulate.err")"
  grep -q 'Transition Summary' "$S/simulate.out" || die "crm_simulate prints nothing that is understood"
  sed -n -e 's/^ *\* Resource action: \+\([^ ]*\) \+\([a-z_]*\)\(=[0-9]*\)\? on \([^ ]*\).*/\2 \1 \4/p' \
    -e 's/^ *\* Fencing \([^ ]*\).*/fence - \1/p' -e 's/^ *\* Pseudo action: \+\([^ ]*\)_\(stop\|demote\)_0$/\2 \1 -/p' "$S/simulate.out" |
    grep -v -e '-clone -$' -e '-master -$' | sed -e 's/:[0-9]* / /' |
    grep -E '^(stop|demote|migrate_to|migrate_from|fence|start|promote) ' | sort -u
}
# STEP CIB: nothing that runs may be stopped, demoted, moved or fenced, and nothing be started but what the plan says
guard() {
  local all task resource node
  all=$(planned "$2") || return 1
  [ -n "$all" ] || return 0
  printf '%s\n' "$all" | while read -r task resource node; do
    case $task in start | promote) grep -qxF "$task $resource $node" "$S/$1.starts" 2>/dev/null && continue ;; esac
    echo "$task $resource on $node"
  done
}
same() { [ -z "$(crm_diff --no-version --original "$1" --new "$2")" ]; }
few() { printf '%s' "$1" | head -n 4 | tr '\n' ';'; }
query() { cibadmin --query >"$1" || die "the CIB cannot be read"; }
# STEP: untie_STEP and edit_STEP are made to copies of the CIB, simulated, and pushed as one change if the CIB is still the same.
# The copies before, between and after them are what --undo goes by.
change() {
  local now=$S/now.xml mid=$S/mid.xml new=$S/new.xml bad
  if [ "$MODE" = dry ] && [ -s "$S/dry.xml" ]; then cp "$S/dry.xml" "$now"; else query "$now"; fi
  cp "$now" "$mid"
  C=$mid
  "untie_$1" >"$S/$1.log" 2>&1 || die "step $1: see $S/$1.log"
  cp "$mid" "$new"
  C=$new
  "edit_$1" >>"$S/$1.log" 2>&1 || die "step $1: see $S/$1.log"
  bad=$(guard "$1" "$new") || die "step $1 cannot be simulated"
  [ -z "$bad" ] || die "step $1 would: $(few "$bad")"
  if [ "$MODE" = dry ]; then
    mv "$new" "$S/dry.xml"
    return 0
  fi
  if same "$now" "$new"; then # it was made before an interruption, or by somebody else
    [ -e "$S/$1.before.xml" ] || for part in before between after; do cp "$now" "$S/$1.$part.xml"; done
    return 0
  fi
  cp "$now" "$S/$1.before.xml"
  cp "$mid" "$S/$1.between.xml"
  cp "$new" "$S/$1.after.xml"
  crm_diff --original "$now" --new "$new" >"$S/patch.xml"
  cibadmin --patch --xml-file "$S/patch.xml" || die "step $1: the CIB has changed meanwhile; run this again"
}
waited() { timeout "${LW_WAIT:-600}" crm_resource --wait || die "the cluster does not settle"; }
# [TIMES]: until the cluster has nothing to do, and was seen so that often. Once is not enough: while a node is taken in, the history of
# all that runs is taken in anew, and `crm_resource --wait` returns in between.
settle() {
  local seen=0 ends=$((SECONDS + ${LW_WAIT:-600})) bad
  [ "$MODE" != dry ] || return 0
  while :; do
    waited
    [ "$MODE" != undo ] || return 0
    query "$S/rest.xml"
    bad=$(guard rest "$S/rest.xml") || die "crm_simulate does not take the CIB of this cluster"
    if [ -z "$bad" ]; then seen=$((seen + 1)); else seen=0; fi
    [ "$seen" -lt "${1:-1}" ] || return 0
    [ -z "$bad" ] || [ "$SECONDS" -lt "$ends" ] || die "the cluster is not at rest, it is to: $(few "$bad")"
    sleep "${LW_REST:-5}"
  done
}
# RESOURCE...: their history goes, one after the other: each changes a property that every controller takes in
FORGET=--cleanup # before 1.1.18 that was what --refresh is today
if crm_resource --help-all 2>&1 | grep -A 3 -e '--refresh' | grep -qi history; then FORGET=--refresh; fi
forget() {
  local one
  for one; do
    if [ "$MODE" = dry ]; then
      CIB_file=$S/dry.xml cibadmin --delete-all --force --xpath "//lrm_resource[@id='$one' or starts-with(@id, '$one:')]" >/dev/null 2>&1
    else
      crm_resource "$FORGET" --resource "$one" >/dev/null 2>&1
      waited
      sleep "${LW_PAUSE:-2}"
    fi
  done
}
core() {
  local one
  for one in ${CORE[@]+"${CORE[@]}"}; do crm_resource --locate --resource "$one" 2>&1 | sort; done
}
# STEP: what stays is where it was, but for what the plan starts
unmoved() {
  [ "$MODE" != dry ] || return 0
  core >"$S/core.now"
  if ! cmp -s "$S/core" "$S/core.now"; then # not yet, or never again
    settle 3
    core >"$S/core.now"
  fi
  [ ! -s "$S/$1.starts" ] || cp "$S/core.now" "$S/core"
  cmp -s "$S/core" "$S/core.now" || die "step $1: what stays is not where it was: $(diff "$S/core" "$S/core.now" | head -n 6)"
}
is_done() { [ -e "$S/$1.done" ]; }
mark() { [ "$MODE" = dry ] || touch "$S/$1.done"; }
# STEP COMMAND [NODE]: on each node, one after the other, or on one
each() {
  local node nodes=("${NODES[@]}")
  [ "$MODE" != dry ] || return 0
  [ -z "${3:-}" ] || nodes=("$3")
  for node in "${nodes[@]}"; do on "$node" "set -e; $2" >>"$S/$1.log" 2>&1 || die "step $1 on $node: see $S/$1.log"; done
}
# STEP UNITS: which of them (words of a shell) are enabled already, on each node
remember() {
  local node
  [ "$MODE" != dry ] || return 0
  for node in "${NODES[@]}"; do
    [ ! -e "$S/$1.$node.enabled" ] || continue
    on "$node" "for u in $2; do ! systemctl is-enabled --quiet \"\$u\" 2>/dev/null || echo \"\$u\"; done" >"$S/enabled" || die "step $1 on $node"
    mv "$S/enabled" "$S/$1.$node.enabled"
  done
}
# STEP UNIT...: those that were not enabled before
disable() {
  local node unit step=$1
  shift
  for node in "${NODES[@]}"; do
    for unit; do
      [ -e "$S/$step.$node.enabled" ] || continue
      grep -qxF "$unit" "$S/$step.$node.enabled" || on "$node" "systemctl disable $(printf %q "$unit")" >>"$S/$step.log" 2>&1 || die "step $step on $node: see $S/$step.log"
    done
  done
}
# STEP: put back what it took: first the resources and, when they are known to run, what names them
back() {
  local part
  [ -e "$S/$1.after.xml" ] || return 0
  crm_diff --no-version --original "$S/$1.after.xml" --new "$S/$1.between.xml" >"$S/$1.resources.xml"
  crm_diff --no-version --original "$S/$1.between.xml" --new "$S/$1.before.xml" >"$S/$1.names.xml"
  for part in resources names; do
    if [ -s "$S/$1.$part.xml" ] && [ ! -e "$S/$1.$part.done" ]; then
      query "$S/now.xml"
      cp "$S/now.xml" "$S/new.xml"
      CIB_file=$S/new.xml cibadmin --patch --xml-file "$S/$1.$part.xml" || die "undo of $1: what it took does not fit any more ($S/$1.$part.xml)"
      crm_diff --original "$S/now.xml" --new "$S/new.xml" >"$S/patch.xml"
      cibadmin --patch --xml-file "$S/patch.xml" || die "undo of $1: the CIB has changed meanwhile; run this again"
    fi
    touch "$S/$1.$part.done"
    settle
  done
  rm -f "$S/$1".*.xml "$S/$1.resources.done" "$S/$1.names.done"
}

mkdir -p "$S" || exit 1
for program in cibadmin crm_simulate crm_diff crm_resource crm_attribute; do
  command -v "$program" >/dev/null || die "$program is not installed here"
done
rm -f "$S/dry.xml"

# before anything is changed: the cluster is at rest, the guard works, and each node has each unit
if [ "$MODE" != undo ]; then
  settle 3
  query "$S/now.xml"
  bad=$(guard rest "$S/now.xml") || die "crm_simulate does not take the CIB of this cluster"
  [ -z "$bad" ] || die "the cluster is not at rest, it is to: $(few "$bad")"
  CIB_file=$S/now.xml crm_attribute --type crm_config --name stop-all-resources --update true >/dev/null || die "crm_attribute does not work here"
  bad=$(guard rest "$S/now.xml")
  [ -n "$bad" ] || die "the guard does not see that everything would be stopped; nothing is changed"
  [ "$MODE" = dry ] || core >"$S/core" # anew: since an interruption a node may have died and come back
  for node in "${NODES[@]}"; do
    missing=$(on "$node" "for p in $PROGRAMS; do command -v \"\$p\" >/dev/null || echo \"\$p\"; done
for u in $UNITS; do systemctl show -p LoadState \"\$u\" | grep -qx LoadState=loaded || echo \"\$u\"; done") ||
      die "$node cannot be reached; nothing is changed"
    [ -z "$missing" ] || die "not on $node, or masked there: $(few "$missing"); nothing is changed"
  done
fi
