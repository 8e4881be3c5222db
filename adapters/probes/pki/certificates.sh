# bartizan pki 1: the certificates in files and kubeconfigs of a node, for POSIX sh with awk, find and printf.
# It needs no privileges and writes nothing. What it prints of a file are certificates alone: it opens no file with the name
# of a key, copies no line as it is, and prints what a block or field holds only where that is DER of a certificate.
# The text without comments is what runs: its hash stands in authorized_keys, so a change of it is a new version.
{
  LC_ALL=C PATH="${PATH:-}:/usr/bin:/bin"
  export LC_ALL PATH
  # Files, and folders that are read with all that is in them. Each check has its own paths here.
  set -- /etc/kubernetes/pki

  # Runs a command for so many seconds at most: a file system may hang.
  if timeout 1 true; then
    within() { timeout "$@"; }
  else
    within() {
      shift
      "$@"
    }
  fi 2>/dev/null

  printf '\n@bartizan begin pki 1\n'
  # A name with a control character is counted only, as names are separated by line feeds. A link leads to a file at most,
  # so that no folder is read twice. printf runs once for many names; find prints nothing itself, so no lines mix.
  {
    within 4 find -H "$@" -name '*[[:cntrl:]]*' -prune -exec printf '@odd%.0s\n' {} + -o ! -type d -exec sh -c '
      # find replaces braces wherever they stand together.
      each="{""}"
      exec find -L "$@" -prune -type f -size -513 -exec printf "file %s\n" "$each" + \
        -o -prune -type f -exec printf "@large %s\n" "$each" + \
        -o -prune -type d -exec printf "@linked %s\n" "$each" + \
        -o -prune -exec printf "@other %s\n" "$each" +' sh {} +
    printf '@listed %s\n' "$?"
  } 2>&1 | within 8 awk '
    # Prints the first names of a reason, and counts the others.
    function tell(reason, name) { if (++told[reason] <= 32) print reason " " substr(name, 1, 1024) }
    function code(at) { return index(DIGITS, substr(body, at, 1)) - 1 }
    # Whether `body` is base64 of DER: a SEQUENCE of just this length that begins with a SEQUENCE. A private key begins with
    # a number. Other bytes behind or in the place of a part of a certificate change the length.
    function is_certificate(  bytes) {
      if (body !~ /^[A-Za-z0-9+\/]+=?=?$/) return 0
      if (body ~ /^MII..[DTjz]C[BC]/) bytes = 256 * code(4) + 4 * code(5) + int(code(6) / 16) + 4
      else if (body ~ /^MI[E-H].MI[E-H]/) bytes = 64 * (code(3) % 4) + code(4) + 3
      else return 0
      return length(body) == 4 * int((bytes + 2) / 3)
    }
    function found(  text) {
      if (!is_certificate()) { broken++; return }
      if (body in number) text = "=" number[body]
      else {
        if (chars + length(body) > 600000) { beyond++; return }
        chars += length(body); number[body] = ++numbers; text = body
      }
      if (certificates == 500 || ++of_file > 100) { beyond++; return }
      certificates++
      if (header) { print header; header = "" }
      print kind " " text
    }
    # Takes one line of PEM. A block without an end is none; an END and the next BEGIN may share a line.
    function take(line) {
      sub(/[ \t\r]+$/, "", line)
      if (line ~ /^-----/) {
        if (inside && line ~ /^-----END CERTIFICATE-----/) found()
        else if (inside) broken++
        sub(/^-----END [^-]*-----/, "", line)
        inside = line == "-----BEGIN CERTIFICATE-----"
        body = ""
      } else if (inside && line != "") {
        body = body line
        if (length(body) > 22000 || line ~ /[^A-Za-z0-9+\/=]/) { inside = 0; broken++ }
      }
    }
    # Takes what a field of a kubeconfig holds, which may be a file with a key in it: base64 of PEM.
    function decode(data,  i, a, b, c, d, line, n, k, before) {
      before = broken + numbers + beyond + of_file
      n = length(data)
      for (i = 1; i <= n; i += 4) {
        a = value[substr(data, i, 1)]; b = value[substr(data, i + 1, 1)]
        c = value[substr(data, i + 2, 1)]; d = value[substr(data, i + 3, 1)]
        bytes[1] = a * 4 + int(b / 16); bytes[2] = b % 16 * 16 + int(c / 4); bytes[3] = c % 4 * 64 + d
        for (k = 1; k <= 3; k++) {
          if (bytes[k] == 10) { take(line); line = "" }
          else line = line char[bytes[k]]
        }
      }
      take(line)
      if (inside || before == broken + numbers + beyond + of_file) broken++
      inside = 0
    }
    function fields(line,  field) {
      while (match(line, /(client-certificate|certificate-authority)-data"?[ \t]*:[ \t]*/)) {
        kind = substr(line, RSTART, 6) == "client" ? "user" : "cluster"
        line = substr(line, RSTART + RLENGTH)
        sub(/^["\047]/, "", line)
        field = match(line, /^[A-Za-z0-9+\/]+=*/) ? substr(line, 1, RLENGTH) : ""
        line = substr(line, RLENGTH + 1)
        decode(length(field) <= 200000 ? field : "")
      }
      kind = "pem"
    }
    function read(file,  line, result, lines, size) {
      header = "file " file; kind = "pem"; of_file = broken = beyond = inside = 0
      while ((result = (getline line < file)) > 0) {
        size += length(line) + 1
        if (size > 300000) break
        if (line ~ /^[ \t]*#/) continue
        if (!inside && line ~ /-data"?[ \t]*:/) fields(line)
        else if (inside || line ~ /^-----/) take(line)
      }
      close(file)
      if (result < 0) { tell("@closed", file); return }
      broken += inside
      if (header && broken + beyond) { print header; header = "" }
      if (broken) print "broken " broken
      if (beyond) print "beyond " beyond
      # What is read so far arrives also if the next file hangs.
      if (!header) fflush()
    }
    BEGIN {
      DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
      for (i = 1; i <= 64; i++) value[substr(DIGITS, i, 1)] = i - 1
      for (i = 32; i < 127; i++) char[i] = sprintf("%c", i)
      for (i = 127; i < 256; i++) char[i] = "?"
    }
    /^file / {
      name = substr($0, 6)
      if (name ~ /(\.key|\.pub|[-._]key\.pem)$/) next
      if (files == 4096) { told["@many"]++; next }
      names[++files] = name
      # kubelet keeps its earlier certificates beside a link to the current one.
      if (sub(/-current\.pem$/, "", name)) current[name]
      next
    }
    /^@odd$/ { told["@odd"]++; next }
    /^@listed / { print; next }
    /^@(large|linked|other) / { reason = $1; sub(/^@[a-z]* /, ""); tell(reason, $0); next }
    # What find complains about: names in quotation marks or without.
    {
      reason = /: Permission denied$/ ? "@closed" : /: No such file or directory$/ ? "@missing" : "@error"
      sub(/^find: /, "")
      if (reason != "@error") { sub(/: [A-Za-z ]*$/, ""); gsub(/^\047|\047$/, "") }
      tell(reason, $0)
    }
    END {
      for (i = 1; i <= files; i++) {
        name = names[i]
        if (sub(/-[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]-[0-9-]*\.pem$/, "", name) && name in current) told["@earlier"]++
        else read(names[i])
      }
      for (reason in told) print "@count " reason " " told[reason]
    }'
  printf '\n@read %s\n@bartizan end\n' "$?"
} </dev/null
