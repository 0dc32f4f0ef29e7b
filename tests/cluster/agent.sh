#!/bin/bash
# Stands in for an OCF agent whose program is not here: its process is one that sleeps, and each action that changes anything is written down.
: "${OCF_ROOT:=/usr/lib/ocf}"
type=${0##*/} name=${OCF_RESOURCE_INSTANCE%%:*}
state=/run/stand-in/$name
runs() { [ -s "$state.pid" ] && kill -0 "$(cat "$state.pid")" 2>/dev/null; }
tell() { echo "$(date +%s.%N) $1 $name" >>/var/log/agents.log; }
score() { # how much it likes to be promoted here
  case $type in
  galera) echo 100 ;;
  redis) echo $((20 - ${HOSTNAME: -1})) ;;
  esac
}
case $1 in
meta-data)
  cat <<X
<?xml version="1.0"?>
<resource-agent name="$type" version="1.0"><version>1.0</version><longdesc lang="en">stands in</longdesc><shortdesc lang="en">stands in</shortdesc>
<parameters>
$(for one in additional_parameters enable_creation wsrep_cluster_address set_policy wait_last_known_master device directory fstype options config startdelay; do
    echo "<parameter name=\"$one\"><longdesc lang=\"en\">$one</longdesc><shortdesc lang=\"en\">$one</shortdesc><content type=\"string\"/></parameter>"
  done)
</parameters>
<actions>$(for one in start stop monitor promote demote notify meta-data validate-all; do echo "<action name=\"$one\" timeout=\"20\"/>"; done)</actions>
</resource-agent>
X
  ;;
start)
  if ! runs; then
    mkdir -p /run/stand-in
    tell start
    setsid sleep infinity </dev/null >/dev/null 2>&1 &
    echo $! >"$state.pid"
  fi
  [ -z "$(score)" ] || crm_attribute --lifetime reboot --node "$(crm_node -n)" --name "master-$name" --update "$(score)"
  ;;
stop)
  if runs; then
    tell stop
    kill "$(cat "$state.pid")"
  fi
  rm -f "$state.pid" "$state.promoted"
  [ -z "$(score)" ] || crm_attribute --lifetime reboot --node "$(crm_node -n)" --name "master-$name" --delete
  ;;
promote)
  tell promote
  touch "$state.promoted"
  ;;
demote)
  tell demote
  rm -f "$state.promoted"
  ;;
monitor)
  runs || exit 7
  [ ! -e "$state.promoted" ] || exit 8
  ;;
notify | validate-all) ;;
*) exit 3 ;;
esac
exit 0
