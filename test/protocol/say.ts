import { encode, type Message } from './world.ts'

/** A message in a trace. */
export function say({ port, method, args }: Message): string {
  return brief(`${port}.${method} ${encode(args)}`)
}

/** As short as it can be read: fixed parts of ids, times and the record's plain columns say nothing. */
export function brief(text: string): string {
  return text
    .replaceAll('-0000-4000-8000-000000000000', '')
    .replace(/"onboardingStatus".*?"dataSets":\[\]/g, '…')
    .replace(/\{"\$sealed":("[^"]*")\}/g, '$1')
    .replace(/\{"email".*?\},/g, '')
}
