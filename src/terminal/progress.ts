import { toPrintable } from './printable.ts'
import { type StatusLine, type Streams, setStatusLine } from './streams.ts'
import { terminalWidth } from './terminal-width.ts'

/** A spinner that shows the progress of some work. */
export interface Progress {
  /** Sets the text, for example `Applying 3 of 20`. `share`, from 0 to 1, is drawn as a bar. */
  update(text: string, share?: number): void
  /** Stops and clears the line. */
  stop(): void
}

const SHOW_AFTER_MS = 1_000
const FRAME_INTERVAL_MS = 100
const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏']
const CLEAR_LINE = '\r\u001b[2K'

/** Shows a spinner on stderr after a second. Does nothing if stderr is not a terminal. */
export function startProgress(streams: Streams, text: string): Progress {
  const { stderr, env, options } = streams
  if (!stderr.isTTY || env.TERM === 'dumb' || options?.quiet) return { update() {}, stop() {} }
  const spinner = startSpinner(streams, text)
  setStatusLine(streams, spinner)
  return spinner
}

/** Shows a spinner while `work` runs. */
export async function withProgress<T>(
  streams: Streams,
  text: string,
  work: (progress: Progress) => Promise<T>,
): Promise<T> {
  const progress = startProgress(streams, text)
  try {
    return await work(progress)
  } finally {
    progress.stop()
  }
}

const BAR_WIDTH = 20

function renderBar(share: number): string {
  const done = Math.round(Math.min(1, Math.max(0, share)) * BAR_WIDTH)
  return `${'█'.repeat(done)}${'░'.repeat(BAR_WIDTH - done)} `
}

function startSpinner(streams: Streams, first: string): Progress & StatusLine {
  const { stderr } = streams
  let text = first
  let bar = ''
  let frame = 0
  let drawn = false
  let held = 0
  let timer = setTimeout(draw, SHOW_AFTER_MS)
  timer.unref()

  function draw(): void {
    if (held === 0) {
      const room = (terminalWidth(streams, stderr) ?? 80) - 4
      stderr.write(
        `${CLEAR_LINE}${FRAMES[frame++ % FRAMES.length]} ${[...bar, ...toPrintable(text)].slice(0, room).join('')}`,
      )
      drawn = true
    }
    timer = setTimeout(draw, FRAME_INTERVAL_MS)
    timer.unref()
  }

  function clear(): void {
    if (drawn) stderr.write(CLEAR_LINE)
    drawn = false
  }

  return {
    clear,
    update(next, share) {
      text = next
      bar = share === undefined ? '' : renderBar(share)
    },
    stop() {
      clearTimeout(timer)
      clear()
      setStatusLine(streams, undefined)
    },
    hold() {
      clear()
      held++
    },
    release() {
      held--
    },
  }
}
