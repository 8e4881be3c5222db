# bartizan usage 2: levels and counters of a Linux node, for POSIX sh with awk, date, df, sed, sleep and tr.
# It needs no privileges and writes nothing. The braces make the shell read the whole script before it runs any of it.
# BARTIZAN_ROOT (for test fleets; empty on a real node) is a prefix of /proc. df comes from PATH.
# The text without comments is what runs: its hash stands in authorized_keys, so a change of it is a new version.
{
  LC_ALL=C PATH="${PATH:-}:/usr/bin:/bin" root="${BARTIZAN_ROOT:-}"
  export LC_ALL PATH
  # Whether volumes of pods and layers of containers count as disks; `usage-volumes` has yes here.
  volumes=no
  # Where /proc hides other users' processes (hidepid), a count would be wrong.
  set -- "$root"/proc/[0-9]*
  facts=
  if [ -d "$root/proc/1" ]; then facts="processes $#"; fi

  # A df of an earlier round may hang in the kernel. Nobody can kill it, and another df on the same mount would hang too.
  newline='
'
  stuck=
  for process; do
    if [ -O "$process" ] && read -r name <"$process/comm" && [ "$name" = df ]; then
      stuck="$stuck$(
        read -r line <"$process/stat"
        IFS=' .'
        read -r now _ <"$root/proc/uptime"
        set -f -- ${line##*) }
        # Field 22 of stat is the start in hundredths of a second since boot. A young df may belong to a concurrent run.
        if [ "$((now - ${20} / 100))" -lt 2 ]; then exit; fi
        IFS=$newline
        set -- $(tr '\000' '\n' <"$process/cmdline")
        case "$#:$1 $2 $3" in
          4:'df -P -'[ki] | 4:'df -k --output='*) printf '%s\n.' "$4" ;;
          *:'df -P -'[ki] | *:'df -k --output='*) printf '?\n.' ;;
        esac
      )"
      stuck=${stuck%.}
    fi
  done 2>/dev/null

  # The shell reads these: on some kernels they can be opened but not read, and some awks exit then.
  for kind in cpu memory io; do
    if [ -r "$root/proc/pressure/$kind" ]; then
      if read -r line <"$root/proc/pressure/$kind"; then
        facts="$facts
pressure $kind $line"
      fi
    fi
  done

  seen=$(awk -v volumes="$volumes" '
    function open(name) { file = ENVIRON["BARTIZAN_ROOT"] "/proc/" name }
    function more() { return (getline < file) > 0 }
    function first(word) { if (more()) print word, $0; close(file) }
    function put(list, set,  i, n, names) { n = split(list, names, " "); for (i = 1; i <= n; i++) set[names[i]] }
    # Prints the first `most` names of a reason, and counts the others.
    function tell(reason, name, most) { if (++told[reason] <= most) print "@" reason, name; else beyond[reason]++ }
    function plain(name) {
      if (name ~ /\\/) {
        gsub(/\\040/, " ", name); gsub(/\\011/, "\t", name); gsub(/\\043/, "#", name); gsub(/\\134/, "\\", name)
      }
      return name
    }
    function is_volume(name) {
      return name ~ /\/kubelet\/(pods|plugins)\/|\/pods\/[0-9a-f-]+\/volume(s|-subpaths|Devices)\// ||
        name ~ /\/plugins\/kubernetes\.io\/|\/io\.containerd\.|\/(docker|containers\/storage)\/(zfs|btrfs|devicemapper|overlay2?|aufs|vfs)\//
    }
    # Converts an address to hexadecimal digits; empty if it is not an address.
    function hex(text,  n, i, k, part, digits) {
      sub(/%.*/, "", text)
      if (text ~ /\./) {
        sub(/.*:/, "", text)
        if (split(text, part, ".") == 4) return sprintf("%02X%02X%02X%02X", part[1], part[2], part[3], part[4])
      }
      n = split(text, part, ":")
      for (i = 1; i <= n && n < 10; i++) {
        if (part[i] == "" && i > 1 && i < n) for (k = n; k < 9; k++) digits = digits "0000"
        else digits = digits substr("0000" part[i], length(part[i]) + 1)
      }
      return length(digits) == 32 ? toupper(digits) : ""
    }
    # The table of sockets has each group of four bytes in the byte order of the processor.
    function swap(digits,  k, all) {
      for (k = 1; k < length(digits); k += 8)
        all = all substr(digits, k + 6, 2) substr(digits, k + 4, 2) substr(digits, k + 2, 2) substr(digits, k, 2)
      return all
    }
    BEGIN {
      open("sys/kernel/random/boot_id"); first("boot")
      open("uptime"); first("uptime")
      open("loadavg"); first("load")
      # Whether a process listens on the address and port of this session. The kernel lists listeners (0A) first.
      split(ENVIRON["SSH_CONNECTION"], session)
      if (session[4] ~ /^[0-9]+$/ && session[3] != "UNKNOWN") {
        port = sprintf(":%04X", session[4])
        address = hex(session[3])
        swapped = swap(address)
        listens = rows = 0
        for (i = 1; i <= 2; i++) {
          open(i == 1 ? "net/tcp" : "net/tcp6"); more()
          while (more() && ++rows && $4 == "0A") {
            if (substr($2, length($2) - 4) != port) continue
            from = substr($2, 1, length($2) - 5)
            # An IPv4 address mapped to IPv6.
            if (length(from) == 32) sub(/^0+FFFF(0000)?/, "", from)
            if (address == "" || from ~ /^0+$/ || from == address || from == swapped) listens = 1
          }
          close(file)
        }
        if (rows) print "listens", listens
      }
      open("stat")
      while (more() && $1 != "intr") { if ($1 == "cpu") print; else if ($1 ~ /^cpu[0-9]+$/) cores++ }
      if (cores) print "cores", cores
      open("meminfo")
      while (more()) if ($1 ~ /^(Mem(Total|Free|Available)|Buffers|Cached|SReclaimable|Shmem|Swap(Total|Free)):$/) print "memory", $0
      open("vmstat")
      while (more()) if ($1 == "oom_kill") print
      # Skips interfaces of pods and tunnels: a node may have hundreds.
      open("net/dev")
      while (more()) {
        if (!sub(/:/, " ") || $1 == "lo" || $1 ~ /^[0-9a-f]+$/ && length($1) == 15) continue
        if ($1 ~ /^(veth|cali|lxc|tap|cni|docker|br-|virbr|flannel|vxlan|genev|tunl|ip6tnl|sit|gre|ifb|dummy|kube-|nodelocaldns|cilium_|ovn|ovs-)/) continue
        print "net", $1, $2, $10
      }
      open("diskstats")
      while (more()) if ($3 !~ /^(ram|loop|zram|sr|fd|nbd)[0-9]/ && $4 + $8 > 0) print "disk", $3, $6, $10, $13
      put("ext2 ext3 ext4 xfs btrfs zfs f2fs jfs bcachefs reiserfs vfat exfat ntfs ntfs3", disks)
      put("gfs2 ocfs2 ubifs jffs2 nilfs2 fuseblk", disks)
      # File systems without `nodev` use a block device.
      open("filesystems")
      while (more()) if (NF == 1) disks[$1]
      # Image formats: never written to, even if the mount options do not say read-only.
      put("squashfs erofs iso9660 cramfs romfs qnx4 qnx6 befs efs freevxfs", images)
      put("proc sysfs cgroup cgroup2 cpuset tmpfs ramfs rootfs devtmpfs devpts mqueue hugetlbfs debugfs tracefs", rest)
      put("securityfs selinuxfs smackfs configfs pstore bpf binfmt_misc autofs rpc_pipefs nfsd nsfs fusectl efivarfs", rest)
      put("resctrl overlay aufs binder fuse.lxcfs fuse.portal fuse.gvfsd-fuse", rest)

      # Prints what is left out, marked with @, then one path per disk, for df.
      print "@mounts"
      # ID PARENT DEVICE ROOT PATH OPTIONS [more…] - TYPE SOURCE OPTIONS-OF-THE-FILE-SYSTEM
      open("self/mountinfo")
      while (more()) {
        lines++
        for (i = 7; i < NF && $i != "-"; i++);
        if (i >= NF) continue
        type = $(i + 1)
        covered[$2 " " $5]
        # A file system that is mounted on demand would never be unmounted if df looked at it each minute.
        if (type == "autofs" && $NF !~ /(^|,)timeout=0(,|$)/) demand[$1]
        if (!(type in disks) && !($5 == "/" && type ~ /^(overlay|aufs|tmpfs)$/)) {
          if (!(type in rest)) { rest[type]; tell("type", type, 8) }
          continue
        }
        if (type in images) continue
        kind[++n] = type; id[n] = $1; parent[n] = $2; device[n] = $3; part[n] = $4 != "/"; path[n] = $5; mode[n] = $NF; source[n] = $(i + 2)
        if ($6 !~ /^ro(,|$)/) writable[$3]
        # A file system that was made read-only on purpose has a read-only mount as well. These read-only mounts prove
        # nothing: / and /sysroot of image-based systems, volumes of pods, and bind mounts of a subfolder.
        else if ($5 !~ /^\/(sysroot)?$/ && !is_volume($5)) { meant[n]; if ($4 == "/") decided[$3] }
      }

      # Chooses one mount of each device: /, else a mount of the whole file system, else the shortest path.
      for (i = 1; i <= n; i++) {
        d = device[i]
        if (!(d in reason)) { devices[++count] = d; reason[d] = ""; seen[d] = path[i] }
        if ((id[i] " " path[i]) in covered) reason[d] = "covered"
        else if (parent[i] in demand) reason[d] = "demand"
        else if (volumes == "no" && is_volume(path[i])) reason[d] = "volume"
        else if (path[i] ~ /\\01[12]|[\001-\037\177]/) reason[d] = "break"
        else {
          rank = path[i] == "/" ? 0 : length(path[i]) + 5000 * part[i]
          if (!(d in best) || rank < ranks[d]) { best[d] = i; ranks[d] = rank }
        }
      }
      for (j = 1; j <= count; j++) {
        d = devices[j]
        if (!(d in best)) { tell(reason[d], seen[d], reason[d] == "volume" ? 0 : 8); continue }
        i = best[d]
        # After an error the kernel sets an option of its own, or makes the file system read-only but not its mounts.
        turned = mode[i] ~ /,(emergency_ro|shutdown)(,|$)/
        if (!turned && mode[i] ~ /^ro(,|$)/) {
          turned = d in writable && !(d in decided || i in meant) && kind[i] !~ /^(overlay|aufs)$/
          if (!turned) { tell("fixed", plain(path[i]), 8); continue }
        }
        if (asked == 1024) { beyond["mount"]++; continue }
        asks[++asked] = plain(path[i])
        if (turned) print "@turned", source[i], asks[asked]
      }
      if (lines > 200) print "@many"
      for (word in beyond) print "@more", beyond[word], word
      for (i = 1; i <= asked; i++) print asks[i]
    }')
  # One write, since every packet costs both sides. The first newline ends text that a profile may have printed.
  printf '\n@bartizan begin usage 2\n%s\n%s\n' "$facts" "$seen"

  set -f
  IFS=$newline
  set -- $seen
  many=
  while case "${1-/}" in /*) false ;; @many) many=yes ;; esac do shift; done
  # df writes to a pipe whose reader exits on request: a df that hangs keeps the pipe open, not the SSH channel.
  # (mawk cannot be that reader: it waits until its buffer is full.)
  (
    # Prints blocks and inodes of mounts; false if df did not end within $1 seconds. It waits for a sleep, which the end
    # of df kills, since waiting for a df that hangs would not return.
    look() {
      sleep "$1" >/dev/null &
      limit=$!
      shift
      (
        trap 'kill -9 "$!"; exit' TERM
        # Each df reads all mounts, which is slow if there are many. GNU df can print everything in one run.
        if [ "$many" ]; then
          printf '\n@both\n'
          df -k --output=itotal,iused,source,size,used,avail,pcent,target "$@" &
          # GNU df also fails if it cannot read one mount; other dfs do not support the option.
          if wait "$!" || df --output=target --version >/dev/null; then
            kill "$limit"
            exit
          fi
        fi
        printf '\n@blocks\n'
        df -P -k "$@" &
        wait "$!"
        printf '@inodes\n'
        df -P -i "$@" &
        wait "$!"
        kill "$limit"
      ) &
      job=$!
      wait "$limit"
      late=$?
      kill "$job"
      wait "$job"
      [ "$late" -ne 0 ]
    }

    known=0 unknown=0
    for mount in $stuck; do
      if [ "$mount" = '?' ]; then unknown=$((unknown + 1)); else known=$((known + 1)); fi
      printf '@hangs %s\n' "$mount"
    done
    if [ "$known" -gt 0 ]; then
      set -- $(for mount; do
        case "$newline$stuck$newline" in *"$newline$mount$newline"*) ;; *) printf '%s\n' "$mount" ;; esac
      done)
    fi
    alone=
    if [ "$#" -eq 0 ] || [ "$((known + unknown))" -gt 8 ]; then
      set --
    elif [ "$known" -eq 0 ] && [ "$unknown" -gt 0 ]; then
      alone=yes
    elif ! look 2 "$@"; then
      alone=yes
      if [ "$#" -eq 1 ]; then
        printf '\n@hangs %s\n' "$1"
        set --
      fi
    fi
    if [ "$alone" ]; then
      IFS=' .'
      read -r start _ </proc/uptime
      left=3 tried=0
      for mount; do
        read -r now _ </proc/uptime
        tried=$((tried + 1))
        if [ "$tried" -gt 256 ] || [ "$left" -eq 0 ] || [ "$((now - start))" -ge 4 ]; then break; fi
        look 1 "$mount" && continue
        left=$((left - 1))
        printf '\n@hangs %s\n' "$mount"
      done
    fi
    printf '\n@end\n'
  ) 2>/dev/null | sed -n '/^@end$/q;p'
  printf '\nclock %s\n@bartizan end\n' "$(date +%s.%N)"
} </dev/null
