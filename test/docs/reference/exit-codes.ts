import { ERROR_CODES, type FailureOutcome } from '../../../src/domain/errors.ts'
import { table } from './markdown.ts'

const OUTCOMES: Readonly<Record<FailureOutcome, string>> = {
  none: 'Nothing was changed.',
  undoing: 'The change has not happened. What it left in Vault is still to be removed.',
  unknown: 'The change has happened completely or not at all. Look, or run the command again.',
  owed: 'The data source is deleted, but its secret is still in Vault. Delete it again.',
}

/** docs/reference/exit-codes.md, made from the table of error codes. */
export function exitCodesPage(): string {
  const codes = Object.entries(ERROR_CODES).map(([code, { exit, status, meaning }]) => [
    `${exit}`,
    `\`${code}\``,
    status === undefined ? '' : `${status}`,
    meaning,
  ])
  const outcomes = Object.entries(OUTCOMES).map(([outcome, meaning]) => [`\`${outcome}\``, meaning])
  return `# Exit codes

${table(['exit code', '`code` in JSON', 'HTTP status', 'meaning'], [['0', '', '', 'done, or nothing to do'], ...codes])}
With \`-o json\` an error is part of one JSON document on standard error. Its
[schema](schemas.md#errors-and-messages) names every key.

## Outcomes

When Postgres or Vault fails during a change (exit code 7), the JSON document has an \`outcome\`:

${table(['`outcome`', 'meaning'], outcomes)}
[Reliability](../reliability.md) explains why there is never a fifth outcome.
`
}
