import { type Command, Help, Option } from 'commander'
import { describeType } from '../source-types/describe.ts'
import { type FieldFlag, fieldFlags } from '../source-types/field-flags.ts'
import { findSourceType, sourceTypes } from '../source-types/index.ts'
import type { SourceType } from '../source-types/source-type.ts'
import { withCompletion } from './completion/values.ts'

/** Whether help lists the options of secret fields, and which fields are required. */
interface FieldOptionsHelp {
  readonly secrets: boolean
  readonly required: boolean
}

/**
 * Adds an option for every field of every type. With `--type`, help shows only the fields of that type. The options of
 * other fields are still accepted, so that the error can list the fields that the type has.
 */
export function addFieldOptions(command: Command, shown: FieldOptionsHelp): void {
  const fields = new Map<Option, FieldFlag>()
  for (const flag of fieldFlags(sourceTypes)) {
    const option = new Option(`${flag.flag} <${flag.valueName}>`, flag.description)
    fields.set(option, flag)
    command.addOption(flag.valueName.includes('|') ? withCompletion(option, flag.valueName.split('|')) : option)
  }
  const type = () => findSourceType(command.opts().type)
  const help = new Help()
  command.configureHelp({
    ...command.configureHelp(),
    visibleOptions: of => help.visibleOptions(of).filter(option => isShown(fields.get(option), type(), shown)),
    optionDescription: option => {
      const field = fields.get(option)
      return field ? describe(field, type(), shown) : help.optionDescription(option)
    },
  })
}

function isShown(field: FieldFlag | undefined, type: SourceType | undefined, { secrets }: FieldOptionsHelp): boolean {
  if (!field) return true
  return (!type || field.types.includes(type.name)) && (secrets || !field.secret)
}

function describe(field: FieldFlag, type: SourceType | undefined, { required }: FieldOptionsHelp): string {
  if (type) return `${field.description}${required ? requirement(field, type) : ''}`
  const types = field.types.length === sourceTypes.length ? 'every type' : field.types.join(', ')
  return `${field.description} (${types})`
}

/** For example ` (required)`, or nothing for an optional field. */
function requirement(field: FieldFlag, type: SourceType): string {
  const { required = 'no' } = describeType(type).find(each => each.field === field.field) ?? {}
  return required.startsWith('yes') ? ` (${required.replace('yes', 'required')})` : ''
}
