// Completion scripts for shells. A script calls the program by the name on the command line, so that names follow the
// configuration. The lines of its answer are `:files`, or value, tab, `:` when the argument continues and `-` when not,
// tab, description.

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/** bash splits arguments at `=`: the script joins them, and leaves out the text before the last `=` in its answers. */
const BASH = `_bartizan() {
  local -a words=()
  local i last=-1 word current value more about
  for ((i = 1; i <= COMP_CWORD; i++)); do
    word="\${COMP_WORDS[i]}"
    if ((last >= 0)) && [[ $word == "=" || \${words[last]} == *= ]]; then
      words[last]+="$word"
    else
      words+=("$word")
      last=$((last + 1))
    fi
  done
  current="\${words[last]}"
  COMPREPLY=()
  while IFS=$'\\t' read -r value more about; do
    if [[ $value == ":files" ]]; then
      compopt -o default 2>/dev/null
      return
    fi
    [[ $current == *=* ]] && value="\${value#"\${current%=*}="}"
    [[ $more == ":" ]] && compopt -o nospace 2>/dev/null
    COMPREPLY+=("$value")
  done < <("\${COMP_WORDS[0]}" __complete -- "\${words[@]}" 2>/dev/null)
}
complete -F _bartizan bartizan
`;

const ZSH = `#compdef bartizan
_bartizan() {
  local -a lines closed open
  local line value more about
  lines=("\${(@f)$("\${words[1]}" __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ "$lines[1]" == ":files" ]]; then
    _files
    return
  fi
  for line in $lines; do
    value="\${line%%$'\\t'*}"
    more="\${\${line#*$'\\t'}%%$'\\t'*}"
    about="\${line##*$'\\t'}"
    [[ -z "$value" ]] && continue
    if [[ "$more" == ":" ]]; then
      open+=("$value")
    else
      closed+=("\${value//:/\\\\:}\${about:+:$about}")
    fi
  done
  local found=1
  (( $#open )) && compadd -S '' -a open && found=0
  (( $#closed )) && _describe 'bartizan' closed && found=0
  return found
}
if [[ "$funcstack[1]" == "_bartizan" ]]; then
  _bartizan "$@"
else
  compdef _bartizan bartizan
fi
`;

const FISH = `function __bartizan_complete
    set -l tokens (commandline --tokenize --cut-at-cursor --current-process)
    set -l current (commandline --current-token --cut-at-cursor)
    set -l program $tokens[1]
    for line in ($program __complete -- $tokens[2..-1] "$current" 2>/dev/null)
        set -l parts (string split \\t -- $line)
        if test "$parts[1]" = ":files"
            __fish_complete_path "$current"
            return
        end
        printf '%s\\t%s\\n' $parts[1] $parts[3]
    end
end
complete --command bartizan --no-files --arguments '(__bartizan_complete)'
`;

/** The script that a shell loads. */
export function completionScript(shell: Shell): string {
  switch (shell) {
    case 'bash':
      return BASH;
    case 'zsh':
      return ZSH;
    case 'fish':
      return FISH;
  }
}
