import type { Command } from 'commander'
import { complete } from '../cli/completion/complete.ts'
import { splitCommandLine } from '../cli/completion/split-command-line.ts'
import type { Context } from '../cli/context.ts'
import { readSettingsFile, settingsFilePath } from '../settings/profiles.ts'
import { EMBEDDED_PROFILE } from '../settings/settings.ts'
import { toPrintable } from '../terminal/printable.ts'
import { type Streams, writeData } from '../terminal/streams.ts'

interface CompleteOptions {
  readonly line?: string
}

/** `dsctl __complete -- WORD...`, or `--line LINE`. The scripts of `dsctl completion` call it. */
export function define(command: Command, { streams }: Context): void {
  command
    .option('--line <line>')
    .allowUnknownOption()
    .allowExcessArguments()
    .action(({ line }: CompleteOptions) =>
      run(command, streams, line === undefined ? command.args : splitCommandLine(line)),
    )
}

async function run(command: Command, streams: Streams, words: readonly string[]): Promise<void> {
  const { candidates, files } = await complete(command.parent ?? command, words, () => profilesIn(streams))
  for (const { value, description } of candidates)
    writeData(streams, `${toPrintable(value)}\t${toPrintable(description)}\n`)
  if (files) writeData(streams, ':files\n')
}

function profilesIn({ env }: Streams): readonly string[] {
  try {
    return [...Object.keys(readSettingsFile(settingsFilePath(env)).profiles), EMBEDDED_PROFILE]
  } catch {
    return [EMBEDDED_PROFILE] // the command itself reports a damaged settings file
  }
}
