// Runs in a pseudo-terminal for prompter.test.ts: opens the prompt that its first argument names, and writes the result to a
// file. It prints nothing itself, because the tests search the terminal for secrets.
import { writeFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { DsctlError } from '../../../src/domain/errors.ts'
import { Secret } from '../../../src/domain/secret.ts'
import { sourceTypes } from '../../../src/source-types/index.ts'
import { parseFields } from '../../../src/source-types/parse-fields.ts'
import { startProgress } from '../../../src/terminal/progress.ts'
import { createPrompter, type Prompter } from '../../../src/terminal/prompter.ts'
import type { Streams } from '../../../src/terminal/streams.ts'

const [, , promptName = '', resultFile = '', argument = '{}'] = process.argv
const streams: Streams = process
const options = JSON.parse(argument)
const PROMPTS: Record<string, (ask: Prompter) => Promise<unknown>> = {
  fields: async ask => {
    const type = sourceTypes.find(({ name }) => name === options.type)
    if (!type) throw new Error('no such type')
    const check = (field: string, text: string) => parseFields(type, { [field]: text }, 'create').problems[0]?.message
    return ask.askFields({ given: {}, ...options, type, check })
  },
  type: async ask => (await ask.askType(sourceTypes)).name,
  text: ask => ask.askText('Name', options),
  secret: ask => ask.askSecret('Token'),
  name: ask => ask.askName('Delete it?', 'prod\u001b[31m'),
  confirm: ask => ask.confirm('Go on?', false),
  each: async ask => ({
    type: (await ask.askType(sourceTypes)).name,
    text: await ask.askText('Name', options),
    secret: await ask.askSecret('Token'),
    choice: await ask.askChoice(
      'Which?',
      ['one', 'two', 'three'].map(value => ({ value, name: value })),
    ),
    sure: await ask.confirm('Go on?', false),
  }),
  review: ask =>
    ask.reviewSummary({
      rows: [
        { field: 'host', label: 'Host', value: 'db.example.com' },
        { field: 'password', label: 'Password', value: new Secret('hunter2') },
      ],
      question: 'Save this data source?',
    }),
  spinner: async ask => {
    const progress = startProgress(streams, 'Working')
    await pause(1_300)
    const answer = await ask.confirm('Go on?', true)
    progress.stop()
    return answer
  },
}

try {
  const answer = await PROMPTS[promptName]?.(createPrompter(streams))
  writeFileSync(resultFile, JSON.stringify({ answer: revealed(answer), raw: process.stdin.isRaw }))
} catch (error) {
  const code = error instanceof DsctlError ? error.code : String(error)
  writeFileSync(resultFile, JSON.stringify({ code, raw: process.stdin.isRaw }))
}

function revealed(answer: unknown): unknown {
  if (answer instanceof Secret) return { sealed: answer.reveal() }
  if (typeof answer !== 'object' || answer === null) return answer
  return Object.fromEntries(Object.entries(answer).map(([name, value]) => [name, revealed(value)]))
}
