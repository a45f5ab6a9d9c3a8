import { Option } from 'commander'
import { fieldFlags } from '../source-types/field-flags.ts'
import { sourceTypes } from '../source-types/index.ts'
import { withCompletion } from './completion/values.ts'
import { anyOf, repeatable } from './repeatable.ts'

/** `--type`: the name of a type. It is validated later, with the rest of the request. */
export function typeOption(description: string): Option {
  const names = sourceTypes.map(({ name }) => name)
  return withCompletion(new Option('--type <type>', description), names)
}

/** `--type` as a filter: the names of types. */
export function typesOption(description: string): Option {
  return anyOf(typeOption(description))
}

/** `-f, --file`: one request file. */
export function fileOption(description: string): Option {
  return withCompletion(new Option('-f, --file <file>', description), 'files')
}

/** `-f, --file`: any number of request files. */
export function filesOption(description: string): Option {
  return withCompletion(new Option('-f, --file <file...>', description), 'files')
}

/** `--unset`: the names of fields. */
export function unsetOption(): Option {
  const names = fieldFlags(sourceTypes).map(({ field }) => field)
  return withCompletion(new Option('--unset <field...>', 'remove these fields'), names)
}

/** `--allow-placeholder`, for every command that takes secrets. */
export function allowPlaceholderOption(): Option {
  return new Option('--allow-placeholder', 'accept a secret that looks like a mask or an unfilled placeholder')
}

/** `--allow-from`, for every command that reads a request file. */
export function allowFromOption(): Option {
  const description = 'also allow these sources in request files, for example env:DS_* or vault:kv/team/*'
  return repeatable(new Option('--allow-from <pattern>', description))
}
