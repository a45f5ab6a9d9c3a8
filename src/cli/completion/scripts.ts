/**
 * The output of `dsctl completion` for each shell. The scripts call `dsctl __complete`. It prints one line per
 * candidate, with its description after a tab, and `:files` if the shell should complete paths.
 */
export const SCRIPTS: Readonly<Record<string, string>> = {
  bash: `# bash completion for dsctl: source <(dsctl completion bash)
_dsctl() {
  local line=\${COMP_LINE:0:COMP_POINT} candidate
  local word=\${line##*[[:space:]]} part=\${line##*[$COMP_WORDBREAKS]}
  local before=\${word%"$part"}
  COMPREPLY=()
  while IFS= read -r candidate; do
    if [ "$candidate" = :files ]; then
      compopt -o default 2>/dev/null
    else
      candidate=\${candidate%%$'\\t'*}
      COMPREPLY+=("\${candidate#"$before"}")
    fi
  done < <(dsctl __complete --line "$line" 2>/dev/null)
}
complete -F _dsctl dsctl
`,
  zsh: `#compdef dsctl
# zsh completion for dsctl: source <(dsctl completion zsh), after compinit
_dsctl() {
  local line files
  local -a candidates
  while IFS= read -r line; do
    if [[ $line == :files ]]; then
      files=yes
    else
      candidates+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
    fi
  done < <(dsctl __complete -- "\${(@Q)words[2,CURRENT-1]}" "\${(Q)PREFIX}" 2>/dev/null)
  if [[ -n $files ]]; then
    compset -P '--*='
    _files
  elif (( $#candidates )); then
    _describe -t dsctl dsctl candidates
  fi
}
if [[ $funcstack[1] == _dsctl ]]; then
  _dsctl "$@"
else
  compdef _dsctl dsctl
fi
`,
  fish: `# fish completion for dsctl: dsctl completion fish | source
function __dsctl_complete
    set -l words (commandline -opc)
    set -e words[1]
    set -l word (commandline -ct)
    for line in (dsctl __complete -- $words "$word" 2>/dev/null)
        if test "$line" = :files
            __fish_complete_path "$word"
        else
            printf '%s\\n' $line
        end
    end
end
complete -c dsctl -f -a '(__dsctl_complete)'
`,
}

export const SHELLS = Object.keys(SCRIPTS)
