import { encode, type Message } from './world.ts'

/** A message as a line of a trace. */
export function formatMessage({ port, method, args }: Message): string {
  return shorten(`${port}.${method} ${encode(args)}`)
}

/** Leaves out what is the same in all messages: the fixed parts of ids, times and most columns of the record. */
export function shorten(text: string): string {
  return text
    .replaceAll('-0000-4000-8000-000000000000', '')
    .replace(/"onboardingStatus".*?"dataSets":\[\]/g, '…')
    .replace(/\{"\$sealed":("[^"]*")\}/g, '$1')
    .replace(/\{"email".*?\},/g, '')
}
