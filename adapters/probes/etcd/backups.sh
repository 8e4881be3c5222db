# bartizan backups 1: the age of the newest file of each pattern, for POSIX sh with awk, date, find and stat.
# It needs no privileges, writes nothing and opens no file. The braces make the shell read all of it before it runs any of it.
# The text without comments is what runs: its hash stands in authorized_keys, so a change of it is a new version.
{
  LC_ALL=C PATH="${PATH:-}:/usr/bin:/bin"
  export LC_ALL PATH
  # A folder and the pattern of its files' names, one pair after the other. Each check has its own here.
  set -- '/var/lib/etcd-backup' '*.db'

  # Runs a command for so many seconds at most: the folder may be on a server that does not answer, which only KILL ends.
  if timeout -s KILL 1 true; then
    within() { timeout -s KILL "$@"; }
  else
    within() {
      shift
      "$@"
    }
  fi 2>/dev/null

  printf '\n@bartizan begin backups 1\n'
  number=0
  while [ "$#" -gt 1 ]; do
    number=$((number + 1))
    # An empty file is no backup.
    within 3 sh -c '
      if [ ! -d "$1" ]; then echo missing
      elif [ ! -r "$1" ] || [ ! -x "$1" ]; then echo closed
      else
        find -L "$1/." ! -name . -prune -type f -name "$2" -size +0 -exec stat -L -c %Y {} +
        echo "listed $?"
      fi' sh "$1" "$2" | awk -v number="$number" '
      /^[0-9]+$/ { count++; if ($1 > newest) newest = $1; next }
      /^(missing|closed)$/ { state = $1 }
      /^listed 0$/ { state = "listed" }
      END { print "pattern", number, state == "" ? "failed" : state, count + 0, newest + 0 }'
    shift 2
  done 2>/dev/null
  printf 'clock %s\n' "$(date +%s)"
  printf '@bartizan end\n'
  exit
}
