import { createPrompt, isEnterKey, makeTheme, type Status, useKeypress, usePrefix, useState } from '@inquirer/core'

interface HiddenQuestion {
  readonly message: string
  readonly validate: (text: string) => true | string
}

const MAX_STARS = 32

/**
 * Asks for one line that is shown as stars, and no key reveals it. The library's password prompt draws a star for each
 * character, which takes seconds for a pasted key.
 */
export const hidden = createPrompt<string, HiddenQuestion>(({ message, validate }, done) => {
  const theme = makeTheme()
  const [status, setStatus] = useState<Status>('idle')
  const [problem, setProblem] = useState<string>()
  const [value, setValue] = useState('')
  const prefix = usePrefix({ status, theme })
  useKeypress((key, line) => {
    if (status !== 'idle') return
    const result = isEnterKey(key) ? validate(value) : undefined
    if (result === true) {
      setStatus('done')
      done(value)
    } else if (result !== undefined) {
      line.write(value) // the library has cleared the line on Enter
      setProblem(result)
    } else {
      setValue(line.line)
      setProblem(undefined)
    }
  })
  const shown = status === 'done' ? theme.style.answer(stars(value)) : stars(value)
  return [[prefix, theme.style.message(message, status), shown].join(' '), problem ? theme.style.error(problem) : '']
})

function stars(value: string): string {
  if (value.length <= MAX_STARS) return '*'.repeat(value.length)
  return `${'*'.repeat(MAX_STARS)}… (${value.length.toLocaleString('en')} characters)`
}
