import { expect, test } from 'vitest'
import { sourceTypes } from '../../src/source-types/index.ts'
import { invented } from '../unit/source-types/samples.ts'
import { commandsPage } from './reference/commands.ts'
import { exitCodesPage } from './reference/exit-codes.ts'
import { schemasPage } from './reference/schemas.ts'
import { settingsPage } from './reference/settings.ts'
import { typesPage, typesTable } from './reference/types.ts'
import { vaultEnvironmentPage } from './reference/vault-environment.ts'

// The pages in docs/reference/ are made from the program. `npm run docs` writes them; these tests compare them.

test.each([
  ['commands', commandsPage],
  ['types', typesPage],
  ['settings', settingsPage],
  ['vault-environment', vaultEnvironmentPage],
  ['exit-codes', exitCodesPage],
  ['schemas', schemasPage],
])('The reference page of %s is up to date: npm run docs', async (name, make) => {
  await expect(await make()).toMatchFileSnapshot(`../../docs/reference/${name}.md`)
})

test('The table of types has each type and group, and marks secrets', () => {
  const table = typesTable(sourceTypes)
  for (const type of sourceTypes) expect(table).toMatch(new RegExp(`^\\| \`${type.name}\` \\|`, 'm'))
  for (const group of ['ssh', 'tls', 'pool']) expect(table).toMatch(new RegExp(`^\\| \\*${group}\\* \\|`, 'm'))
  expect(table).toContain(
    '| `databricks` | `host`, `api_key` **S**, `warehouse_id`, `default_catalog` | `default_schema` |',
  )
  expect(table).toContain('`password` **S** (or private_key)')
})

test('A new type appears in the table by itself', () => {
  expect(typesTable([invented])).toContain('| `oracle` | `host`, `wallet` **S** | `service`, `retries` (3) |')
})
