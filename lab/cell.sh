#!/usr/bin/env bash
# cell.sh LOWER WORK PROJECT OUT COMMAND...: run a command as the first process of a root of its own, which lies over LOWER and is thrown
# away. Run it under `unshare` (mount, pid, net, ipc, uts and, for systemd, cgroup): all that it mounts ends with its mount namespace.
set -eu
lower=$1 work=$2 project=$3 out=$4
shift 4
mount --make-rprivate /
[ "$lower" != / ] || mount -t tmpfs tmpfs "$work" # a layer may not lie within another
mkdir -p "$work/upper" "$work/work" "$work/root"
root=$work/root
mount -t overlay lab -o "lowerdir=$lower,upperdir=$work/upper,workdir=$work/work" "$root"
mount -t proc proc "$root/proc"
mount -t sysfs sysfs "$root/sys" -o ro 2>/dev/null || mount --rbind /sys "$root/sys"
mount -t tmpfs tmpfs "$root/run" -o mode=755
mount -t tmpfs tmpfs "$root/dev" -o mode=755
for device in null zero full random urandom tty; do
  touch "$root/dev/$device"
  mount --bind "/dev/$device" "$root/dev/$device"
done
mkdir -p "$root/dev/shm" "$root/dev/pts" "$root/run/lock" "$root/run/lab/project" "$root/run/lab/out"
mount -t tmpfs tmpfs "$root/dev/shm"
ln -s /proc/self/fd "$root/dev/fd"
mount --bind "$project" "$root/run/lab/project"
mount --bind "$out" "$root/run/lab/out"
if [ "${LAB_CGROUPS:-}" = hybrid ]; then
  mount -t tmpfs tmpfs "$root/sys/fs/cgroup" -o mode=755
  mkdir "$root/sys/fs/cgroup/systemd" "$root/sys/fs/cgroup/unified"
  mount -t cgroup -o none,name=systemd,xattr cgroup "$root/sys/fs/cgroup/systemd"
  mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup/unified"
elif [ "${LAB_CGROUPS:-}" = unified ]; then
  mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
fi
hostname lab
ip link set lo up
printf '127.0.0.1 localhost lab\n' >"$root/etc/hosts"
mkdir -p "$root/.old"
cd "$root"
pivot_root . .old
umount -l /.old
exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 container=lab "$@"
