# Runs the program of an image as Kubernetes would: read-only root, a user that is not root, no way to more rights. Arguments:
# the root file system, a folder with `hosts`, `known_hosts`, `config`, `key` and `data`, then the command. It needs root and a mount
# namespace of its own.
set -eu
root=$1 given=$2 user=${RUN_AS:-65532}
shift 2
mount --bind "$root" "$root"
for name in proc dev; do mount --rbind "/$name" "$root/$name"; done
: >"$root/etc/hosts"
mount --bind "$given/hosts" "$root/etc/hosts"
mount --bind "$given/config" "$root/etc/bartizan"
mount -o remount,ro,bind "$root/etc/bartizan"
chgrp "$user" "$given/data"
mount --bind "$given/data" "$root/var/lib/bartizan"
# The chart mounts this one file of a ConfigMap (`subPath`).
: >"$given/data/known_hosts"
mount --bind "$given/known_hosts" "$root/var/lib/bartizan/known_hosts"
mount -o remount,ro,bind "$root/var/lib/bartizan/known_hosts"
mount -t tmpfs -o mode=1777,size=64m tmpfs "$root/tmp"
# A volume of a Secret with `defaultMode: 0440`.
mount -t tmpfs -o mode=0755,size=1m tmpfs "$root/run/secrets/bartizan"
install -D -m 0440 -o 0 -g "$user" "$given/key" "$root/run/secrets/bartizan/ssh/..1/id_ed25519"
ln -s ..1 "$root/run/secrets/bartizan/ssh/..data"
ln -s ..data/id_ed25519 "$root/run/secrets/bartizan/ssh/id_ed25519"
mount -o remount,ro "$root/run/secrets/bartizan"
mount -o remount,ro,bind "$root"
exec setpriv --no-new-privs chroot --userspec="$user:$user" --groups="$user" "$root" "$@"
