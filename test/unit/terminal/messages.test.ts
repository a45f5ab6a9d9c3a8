import { expect, test } from 'vitest'
import { DsctlError, invalid } from '../../../src/domain/errors.ts'
import { printError, printNote, printVerbose, printWarning } from '../../../src/terminal/messages.ts'
import { captureStreams } from './capture-streams.ts'

test('an error prints its message, field problems and hint, one per line', () => {
  const out = captureStreams()
  const problems = [{ field: 'port', message: 'must be a whole number from 1 to 65535' }]
  printError(out.streams, invalid('the request is not valid', problems, 'See dsctl types postgres.'))
  expect(out.stderr()).toBe(
    [
      'dsctl: the request is not valid',
      '  port: must be a whole number from 1 to 65535',
      'See dsctl types postgres.',
      '',
    ].join('\n'),
  )
})

test('an error as JSON is one document without empty properties', () => {
  const out = captureStreams({ json: true })
  printError(out.streams, new DsctlError('unavailable', 'Vault is sealed', { outcome: 'owed', id: '1' }))
  expect(JSON.parse(out.stderr())).toEqual({
    error: { code: 'unavailable', status: 503, exit_code: 7, message: 'Vault is sealed', outcome: 'owed', id: '1' },
  })
  printError(out.streams, new DsctlError('different', 'differs'))
  expect(JSON.parse(out.stderr())).toEqual({ error: { code: 'different', exit_code: 9, message: 'differs' } })
})

test('an interruption prints its message', () => {
  const out = captureStreams()
  printError(out.streams, new DsctlError('interrupted', 'Interrupted: nothing was changed.'))
  expect(out.stderr()).toBe('dsctl: Interrupted: nothing was changed.\n')
})

test('a bug shows its stack and asks for a report', () => {
  const out = captureStreams()
  printError(out.streams, new RangeError('count is -1'))
  const text = out.stderr()
  expect(text).toMatch(/^dsctl: RangeError: count is -1\n {4}at .*messages\.test\.ts/)
  expect(text).toMatch(/report it.*\n$/)
  const document = captureStreams({ json: true })
  printError(document.streams, new RangeError('count is -1'))
  expect(JSON.parse(document.stderr()).error).toMatchObject({ code: 'bug', status: 500, exit_code: 1 })
})

test('a bug report never contains values from its message', () => {
  const bugs = [
    thrownBy(() => JSON.parse('hunter2 is no JSON')),
    thrownBy(() => Buffer.alloc(1).write('x', 0, 1, Object('hunter2'))),
    thrownBy(() => new Headers({ token: 'hunter2\n\n"hunter2"\nx\n    at hunter2' })),
    new Error('cannot reach postgres://me:hunter2@db/x'),
    Object.assign(new Error('request failed'), { config: { data: 'hunter2' } }),
    { password: 'hunter2' },
  ]
  for (const bug of bugs) {
    for (const json of [false, true]) {
      const out = captureStreams({ json })
      printError(out.streams, bug)
      expect(out.stderr()).not.toContain('hunter2')
    }
  }
})

test('quoted text cannot control the terminal or start a new line', () => {
  for (const json of [false, true]) {
    const out = captureStreams({ json })
    printError(out.streams, new DsctlError('conflict', 'the name "a\u001b[2J\nb\u009b" is taken'))
    const text = out.stderr()
    expect(text).not.toMatch(/[^\P{Cc}\n]/u)
    expect(text).toContain('\\u001b[2J\\nb\\u009b')
  }
})

test('--quiet hides notes, --verbose shows details, warnings are always shown', () => {
  const quiet = captureStreams({ flags: { quiet: true } })
  printNote(quiet.streams, 'done')
  printVerbose(quiet.streams, 'GET /v1 3 ms')
  printWarning(quiet.streams, 'it is old')
  expect(quiet.stderr()).toBe('dsctl: warning: it is old\n')
  const verbose = captureStreams({ flags: { verbose: true } })
  printNote(verbose.streams, 'done')
  printVerbose(verbose.streams, 'GET /v1 3 ms')
  expect(verbose.stderr()).toBe('done\nGET /v1 3 ms\n')
})

test('with JSON, all messages are one document at the end', () => {
  const out = captureStreams({ json: true, flags: { verbose: true } })
  expect(out.stderr()).toBe('')
  printWarning(out.streams, 'it is old')
  printNote(out.streams, 'done')
  printVerbose(out.streams, 'GET /v1 3 ms')
  printWarning(out.streams, 'it is \u001b[2Jodd')
  printError(out.streams, new DsctlError('different', 'differs'))
  expect(JSON.parse(out.stderr())).toEqual({
    error: { code: 'different', exit_code: 9, message: 'differs' },
    warnings: ['it is old', 'it is \u001b[2Jodd'],
    notes: ['done'],
    calls: ['GET /v1 3 ms'],
  })
  expect(out.stderr()).toBe('')
})

test('with JSON at a terminal that may prompt, messages are not held back', () => {
  const out = captureStreams({ json: true, terminal: true })
  printWarning(out.streams, 'it is old')
  expect(out.stderr()).toBe('dsctl: warning: it is old\n')
})

function thrownBy(work: () => unknown): unknown {
  try {
    work()
  } catch (error) {
    return error
  }
  throw new Error('nothing was thrown')
}
