import { type Command, Help, type HelpConfiguration } from 'commander'
import { sentence } from './usage.ts'

/** Descriptions of longer options start on the next line, so that they fit 80 columns. */
const MAX_TERM_WIDTH = 28

/** The layout of help, at most `width` columns wide. */
export function helpLayout(width: number): HelpConfiguration {
  const plain = new Help()
  return {
    helpWidth: width,
    showGlobalOptions: true,
    commandDescription: (command: Command) => sentence(command.description()),
    padWidth: (command, helper) => Math.min(MAX_TERM_WIDTH, plain.padWidth(command, helper)),
    formatItem(term, termWidth, description, helper) {
      const item = (text: string) => plain.formatItem.call(this, text, termWidth, description, helper)
      return helper.displayWidth(term) <= termWidth ? item(term) : `  ${term}\n${item('')}`
    },
  }
}
