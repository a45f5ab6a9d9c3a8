import { Argument, type Command } from 'commander'
import { SCRIPTS, SHELLS } from '../cli/completion/scripts.ts'
import type { Context } from '../cli/context.ts'
import { writeData } from '../terminal/streams.ts'

/** `dsctl completion SHELL`. */
export function define(command: Command, { streams }: Context): void {
  command
    .addArgument(new Argument('<shell>', 'the shell to write the script for').choices(SHELLS))
    .addHelpText('after', EXAMPLES)
    .action((shell: string) => writeData(streams, SCRIPTS[shell] ?? ''))
}

const EXAMPLES = `
Completes commands, flags, types, statuses, formats and profiles. It contacts no
server, so it does not complete names of data sources.

Examples:
  dsctl completion bash > ~/.local/share/bash-completion/completions/dsctl
  dsctl completion zsh > "\${fpath[1]}/_dsctl"
  dsctl completion fish > ~/.config/fish/completions/dsctl.fish
  source <(dsctl completion bash)     # for this shell alone
`
