import type { Command } from 'commander'
import { complete } from '../cli/completion/complete.ts'
import { wordsToComplete } from '../cli/completion/words.ts'
import type { Context } from '../cli/context.ts'
import { readSettingsFile, settingsFilePath } from '../settings/profiles.ts'
import { EMBEDDED_PROFILE } from '../settings/settings.ts'
import { toPrintable } from '../terminal/printable.ts'
import { type Streams, writeData } from '../terminal/streams.ts'

/** `dsctl __complete -- WORD...`, or `--line LINE`: what the scripts of `dsctl completion` ask. */
export function define(command: Command, { streams }: Context, args: readonly string[]): void {
  command
    .allowUnknownOption()
    .allowExcessArguments()
    .action(() => {
      const { candidates, files } = complete(root(command), wordsToComplete(args) ?? [], () => profilesIn(streams))
      for (const { value, about } of candidates) writeData(streams, `${toPrintable(value)}\t${toPrintable(about)}\n`)
      if (files) writeData(streams, ':files\n')
    })
}

function root(command: Command): Command {
  return command.parent ?? command
}

function profilesIn({ env }: Streams): readonly string[] {
  try {
    return [...Object.keys(readSettingsFile(settingsFilePath(env)).profiles), EMBEDDED_PROFILE]
  } catch {
    return [EMBEDDED_PROFILE] // a damaged settings file is told by the command itself
  }
}
