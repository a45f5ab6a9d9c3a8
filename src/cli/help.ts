import { type Command, Help, type HelpConfiguration } from 'commander'
import { sentence } from './usage.ts'

/** Wider options have their description on the next line: else 80 columns leave it no room. */
const WIDEST_TERM = 28

/** How help is laid out, within `width` columns. */
export function helpLayout(width: number): HelpConfiguration {
  const plain = new Help()
  return {
    helpWidth: width,
    showGlobalOptions: true,
    commandDescription: (command: Command) => sentence(command.description()),
    padWidth: (command, helper) => Math.min(WIDEST_TERM, plain.padWidth(command, helper)),
    formatItem(term, termWidth, description, helper) {
      const item = (text: string) => plain.formatItem.call(this, text, termWidth, description, helper)
      return helper.displayWidth(term) <= termWidth ? item(term) : `  ${term}\n${item('')}`
    },
  }
}
