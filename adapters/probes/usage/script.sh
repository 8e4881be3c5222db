# bartizan usage 1: levels and counters of a Linux node, for POSIX sh with awk, date, df and sleep.
# It needs no privileges and writes nothing. The braces make the shell read all of it before it runs any of it.
# BARTIZAN_ROOT (for test fleets; empty on a real node) is put in front of /proc. df comes from PATH.
{
  LC_ALL=C PATH="${PATH:-}:/usr/bin:/bin" root="${BARTIZAN_ROOT:-}"
  export LC_ALL PATH
  # Where /proc hides the processes of others (hidepid), a count would be a lie.
  set -- "$root"/proc/[0-9]*
  facts=
  if [ -d "$root/proc/1" ]; then facts="processes $#"; fi

  # Read by the shell: on some kernels these can be opened but not read, and an awk may end over that.
  for kind in cpu memory io; do
    if [ -r "$root/proc/pressure/$kind" ]; then
      if read -r line <"$root/proc/pressure/$kind"; then
        facts="$facts
pressure $kind $line"
      fi
    fi
  done

  seen=$(awk '
    function open(name) { file = ENVIRON["BARTIZAN_ROOT"] "/proc/" name }
    function more() { return (getline < file) > 0 }
    function first(word) { if (more()) print word, $0; close(file) }
    BEGIN {
      open("sys/kernel/random/boot_id"); first("boot")
      open("uptime"); first("uptime")
      open("loadavg"); first("load")
      open("stat")
      while (more() && $1 != "intr") { if ($1 == "cpu") print; else if ($1 ~ /^cpu[0-9]+$/) cores++ }
      if (cores) print "cores", cores
      open("meminfo")
      while (more()) if ($1 ~ /^(MemTotal|MemAvailable|SwapTotal|SwapFree):$/) print "memory", $0
      open("vmstat")
      while (more()) if ($1 == "oom_kill") print
      # Without the interfaces of pods and of tunnels, of which a node may have hundreds.
      open("net/dev")
      while (more()) {
        if (!sub(/:/, " ") || $1 == "lo" || $1 ~ /^[0-9a-f]+$/ && length($1) == 15) continue
        if ($1 ~ /^(veth|cali|lxc|tap|cni|docker|br-|virbr|flannel|vxlan|genev|tunl|ip6tnl|sit|gre|ifb|dummy|kube-|nodelocaldns|cilium_|ovn|ovs-)/) continue
        print "net", $1, $2, $10
      }
      open("diskstats")
      while (more()) if ($3 !~ /^(ram|loop|zram|sr|fd|nbd)[0-9]/ && $4 + $8 > 0) print "disk", $3, $6, $10, $13
      # Local file systems only: asking a dead server for its disk hangs. Of bind mounts the shortest path.
      open("mounts")
      while (more()) {
        if ($2 ~ /\\012/) continue
        if ($3 !~ /^(ext[234]|xfs|btrfs|zfs|f2fs|jfs|bcachefs|reiserfs|vfat|exfat|ntfs3?)$/ && !($2 == "/" && $3 == "overlay")) continue
        if (!($1 in path)) device[++devices] = $1
        else if (length(path[$1]) <= length($2)) continue
        path[$1] = $2
      }
      print "@mounts"
      for (i = 1; i <= devices; i++) {
        mount = path[device[i]]
        gsub(/\\040/, " ", mount); gsub(/\\011/, "\t", mount); gsub(/\\043/, "#", mount); gsub(/\\134/, "\\\\", mount)
        print mount
      }
    }')
  # In one write: every packet costs both ends. The first newline ends whatever a profile left on the line.
  printf '\n@bartizan begin usage 1\n%s\n%s@blocks\n' "$facts" "${seen%@mounts*}"

  set -f
  IFS='
'
  set -- ${seen##*@mounts}
  # A df that is stuck in the kernel cannot even be killed, so it is not df that is waited for but a sleep, which
  # df's end cuts short.
  if [ "$#" -gt 0 ]; then
    sleep 4 >/dev/null 2>&1 &
    limit=$!
    (
      trap 'kill -9 "$!"; exit' TERM
      df -P -k "$@" &
      wait "$!"
      printf '@inodes\n'
      df -P -i "$@" &
      wait "$!"
      kill "$limit"
    ) 2>/dev/null &
    job=$!
    wait "$limit" 2>/dev/null
    kill "$job" 2>/dev/null
    wait "$job" 2>/dev/null
  fi
  printf '\nclock %s\n@bartizan end\n' "$(date +%s.%N)"
} </dev/null
