import { expect, test, vi } from 'vitest'
import { timeAgo } from '../../../src/terminal/cell.ts'
import { ignoreClosedPipes } from '../../../src/terminal/closed-pipes.ts'
import { isColourEnabled } from '../../../src/terminal/colour.ts'
import { isInteractive } from '../../../src/terminal/is-interactive.ts'
import { printWarning } from '../../../src/terminal/messages.ts'
import { toPrintable } from '../../../src/terminal/printable.ts'
import { startProgress } from '../../../src/terminal/progress.ts'
import { captureStreams } from './capture-streams.ts'

test('colors depend on --no-color, FORCE_COLOR, NO_COLOR, TERM=dumb and the terminal', () => {
  const on = (options: Parameters<typeof captureStreams>[0]) => {
    const { streams } = captureStreams(options)
    return isColourEnabled(streams, streams.stdout)
  }
  expect(on({ terminal: true })).toBe(true)
  expect(on({})).toBe(false)
  expect(on({ env: { FORCE_COLOR: '1', NO_COLOR: '1' } })).toBe(true)
  expect(on({ terminal: true, env: { FORCE_COLOR: '0' } })).toBe(false)
  expect(on({ env: { FORCE_COLOR: '1' }, flags: { color: false } })).toBe(false)
  expect(on({ terminal: true, env: { NO_COLOR: '1' } })).toBe(false)
  expect(on({ terminal: true, env: { NO_COLOR: '' } })).toBe(true)
  expect(on({ terminal: true, env: { TERM: 'dumb' } })).toBe(false)
})

test('prompts need a terminal, and no option that disables them', () => {
  const may = (options: Parameters<typeof captureStreams>[0]) => isInteractive(captureStreams(options).streams)
  expect(may({ terminal: true })).toBe(true)
  expect(may({})).toBe(false)
  expect(may({ terminal: true, flags: { input: false } })).toBe(false)
  expect(may({ terminal: true, env: { DSCTL_NO_INPUT: '1' } })).toBe(false)
  expect(may({ terminal: true, env: { CI: 'true' } })).toBe(false)
  const { streams } = captureStreams({ terminal: true })
  for (const name of ['stdin', 'stdout', 'stderr'] as const) {
    expect(isInteractive({ ...streams, [name]: Object.assign(Object.create(streams[name]), { isTTY: false }) })).toBe(
      false,
    )
  }
})

test('control and invisible characters are escaped', () => {
  expect(toPrintable('a\u001b[1mb\r\n\tc\u007f\u0085\u202e\u2066\u200f')).toBe(
    'a\\u001b[1mb\\r\\n\\tc\\u007f\\u0085\\u202e\\u2066\\u200f',
  )
  expect(toPrintable('A\u{e0041}')).toBe('A\\udb40\\udc41')
  expect(toPrintable('Größe 数据 👩‍👩‍👧')).toBe('Größe 数据 👩‍👩‍👧')
})

test('times are printed relative to now', () => {
  const now = new Date('2026-03-24T12:00:00Z')
  expect(timeAgo('2026-03-24T11:59:30Z', now)).toBe('just now')
  expect(timeAgo('2026-03-24T11:59:00Z', now)).toBe('1 minute ago')
  expect(timeAgo('2026-03-24T09:00:00Z', now)).toBe('3 hours ago')
  expect(timeAgo('2026-01-01T12:00:00Z', now)).toBe('2 months ago')
  expect(timeAgo('2026-03-26T12:00:00Z', now)).toBe('in 2 days')
  expect(timeAgo('never', now)).toBe('never')
})

test('a closed pipe exits silently; a full disk is an error', () => {
  const { streams } = captureStreams()
  const failed = vi.fn()
  ignoreClosedPipes(streams, failed)
  streams.stdout.emit('error', Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }))
  expect(failed).not.toHaveBeenCalled()
  const full = Object.assign(new Error('no space'), { code: 'ENOSPC' })
  streams.stdout.emit('error', full)
  expect(failed).toHaveBeenCalledWith(full)
})

test('a spinner appears after a second and clears its line before a message', () => {
  vi.useFakeTimers()
  try {
    const out = captureStreams({ terminal: true })
    const progress = startProgress(out.streams, 'Testing')
    vi.advanceTimersByTime(900)
    expect(out.stderr()).toBe('')
    vi.advanceTimersByTime(200)
    expect(out.stderr()).toContain('Testing')
    printWarning(out.streams, 'slow')
    expect(out.stderr()).toBe('\r\u001b[2Kdsctl: warning: slow\n')
    vi.advanceTimersByTime(200)
    progress.stop()
    expect(out.stderr().endsWith('\r\u001b[2K')).toBe(true)
    vi.advanceTimersByTime(5_000)
    expect(out.stderr()).toBe('')
  } finally {
    vi.useRealTimers()
  }
})

test('without a terminal there is no spinner', () => {
  vi.useFakeTimers()
  const out = captureStreams()
  startProgress(out.streams, 'Testing')
  vi.advanceTimersByTime(5_000)
  vi.useRealTimers()
  expect(out.stderr()).toBe('')
})
