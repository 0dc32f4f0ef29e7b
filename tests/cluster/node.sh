#!/bin/bash
# Becomes systemd, as process 1 of a node: called in namespaces of its own, it makes the node's tree and changes into it.
#
#   node.sh NAME LAB ADDRESS...    LAB is the folder with seed/ (files of every node) and NAME/ (what the node has written)
#
# SEEN has folders, parted by colons, that are at the same path in the node, wherever they lie here: lwlint and its Python.
set -eu
name=$1 lab=$2
shift 2
hostname "$name"
own=$lab/$name root=$lab/$name/root
mkdir -p "$own/upper" "$own/work" "$root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$own/upper,workdir=$own/work" "$root"
# the tree is this machine's, without what was configured on it
for folder in etc/systemd/system etc/systemd/network etc/ssh etc/haproxy etc/corosync root/.ssh var/log var/lib/pacemaker var/lib/corosync; do
  mkdir -p "$own/own/$folder" "$root/$folder"
  mount --bind "$own/own/$folder" "$root/$folder"
done
if [ ! -e "$own/made" ]; then
  chmod 700 "$root/root/.ssh"
  mkdir -p "$root"/var/log/{journal,pacemaker,corosync} "$root"/var/lib/pacemaker/{blackbox,cib,cores,pengine}
  chown -R hacluster:haclient "$root"/var/lib/pacemaker "$root"/var/log/pacemaker
  for service in apache2 httpd mariadb mysql rabbitmq redis memcached keepalived mongod tomcat openvswitch libvirtd; do
    rm -f "$root/usr/lib/systemd/system/$service"*.service "$root/etc/init.d/$service"*
  done
  cp -a "$lab/seed/." "$root/"
  rm -f "$root/etc/fstab"
  echo "$name" >"$root/etc/hostname"
  echo "$name" | md5sum | cut -c1-32 >"$root/etc/machine-id"
  touch "$own/made"
fi
mount -t proc proc "$root/proc"
mount --bind "$root/proc/sys" "$root/proc/sys"
mount -o remount,ro,bind "$root/proc/sys"
[ ! -e "$root/proc/sysrq-trigger" ] || mount --bind /dev/null "$root/proc/sysrq-trigger" # it would end the whole machine
mount -t sysfs -o ro sysfs "$root/sys"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
for folder in run tmp var/tmp dev; do mount -t tmpfs -o mode=755 tmpfs "$root/$folder"; done
chmod 1777 "$root/tmp" "$root/var/tmp"
IFS=: read -ra seen <<<"${SEEN:-}"
for folder in "${seen[@]}"; do
  mkdir -p "$root$folder"
  mount --bind "$folder" "$root$folder"
  mount -o remount,ro,bind "$root$folder"
done
mkdir "$root"/dev/{pts,shm,mqueue}
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts "$root/dev/pts"
mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
mount -t mqueue mqueue "$root/dev/mqueue"
for device in null zero full random urandom tty; do
  touch "$root/dev/$device"
  mount --bind "/dev/$device" "$root/dev/$device"
done
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
for ((tries = 0; tries < 300; tries++)); do # until the cable is plugged in
  ! ip link show eth0 >/dev/null 2>&1 || break
  sleep 0.1
done
ip link set lo up
for address; do ip address add "$address" dev eth0; done
ip link set eth0 up
cd "$root"
mkdir -p "$root/old"
pivot_root . old
umount -l /old
exec env -i container=lwlint PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin /lib/systemd/systemd --show-status=no --log-target=journal-or-kmsg
