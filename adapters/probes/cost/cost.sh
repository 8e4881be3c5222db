# bartizan cost 1: CPU time of the SSH server's processes that serve this session, for POSIX sh. It starts no program, needs no
# privileges and writes nothing. BARTIZAN_ROOT (for tests; empty on a real node) is a prefix of /proc.
# The text without comments is what runs: its hash stands in authorized_keys, so a change of it is a new version.
{
  LC_ALL=C root="${BARTIZAN_ROOT:-}"
  export LC_ALL
  set -f
  echo '@bartizan begin cost 1'
  process=$PPID session='' left=16
  while [ "$left" -gt 0 ] && [ "$process" -gt 1 ]; do
    left=$((left - 1))
    line=''
    { read -r line <"$root/proc/$process/stat"; } 2>/dev/null
    if [ -z "$line" ]; then
      echo hidden
      break
    fi
    name=${line#*\(}
    name=${name%)*}
    set -- ${line##*) }
    case $name in
      sshd*)
        # The server that listens has a session of its own. What it waited for are SSH sessions that have ended, of everybody.
        if [ "${session:=$4}" != "$4" ]; then
          echo "listens $process ${14} ${15}"
          break
        fi
        ran=''
        { read -r ran _ <"$root/proc/$process/schedstat"; } 2>/dev/null
        echo "sshd $process ${ran:-unknown} ${12} ${13} ${14} ${15}"
        ;;
      *)
        if [ -n "$session" ]; then break; fi
        ;;
    esac
    process=$2
  done
  echo '@bartizan end'
  exit
}
