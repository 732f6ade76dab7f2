/** What each shell runs to have `sluice` completed: all of them ask `sluice __complete`. */
export const scripts = {
  bash: `# bash completion of sluice: source <(sluice completion bash)
_sluice() {
  local IFS=$'\\n'
  COMPREPLY=($("\${COMP_WORDS[0]}" __complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null | cut -f 1))
}
complete -o default -F _sluice sluice
`,
  zsh: `#compdef sluice
# zsh completion of sluice: source <(sluice completion zsh), after compinit
_sluice() {
  local line
  local -a found
  for line in "\${(@f)$("\${words[1]}" __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    [[ -n $line ]] && found+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
  done
  if (( \${#found} )); then
    _describe -V sluice found
  else
    _files
  fi
}
compdef _sluice sluice
`,
  fish: `# fish completion of sluice: sluice completion fish | source
function __sluice_complete
  set -l words (commandline -opc) (commandline -ct)
  command $words[1] __complete -- $words[2..-1] 2>/dev/null
end
complete -c sluice -f -a '(__sluice_complete)'
complete -c sluice -l file -l output -rF
`,
} as const
