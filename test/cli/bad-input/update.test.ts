import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Attempt, expectRefusal, type Refusal } from '../../support/bad-input.ts'
import { plainFields } from '../../support/examples.ts'
import { json } from '../../support/run.ts'
import { createSite, type Site } from '../../support/site.ts'

let site: Site
/** A postgres source for updates. */
let id: string

beforeAll(async () => {
  site = await createSite()
  const stdin = JSON.stringify({ name: 'Present', env: 'dev', type: 'postgres', ...plainFields })
  id = json(await site.dsctl(['create', '-f', '-', '-o', 'json'], { stdin })).id
})
afterAll(() => site?.drop())

const expectRefused = (attempt: Attempt, refusal: Refusal) => expectRefusal(site, attempt, refusal)

describe('rejects in an update:', () => {
  test.each([
    ['nothing to do', [], undefined, undefined, /Nothing to update/],
    [
      'an unknown field to unset',
      ['--unset', 'nonsense'],
      undefined,
      ['nonsense'],
      /nonsense: is not a field of postgres/,
    ],
    ['a required field to unset', ['--unset', 'host'], undefined, ['host'], /host: is required and cannot be unset/],
    [
      'a field both given and unset',
      ['--unset', 'port', '--port', '1'],
      undefined,
      ['port'],
      /port: is both set and unset/,
    ],
    ['another type', ['-f', '-'], '{"type":"mysql"}', ['type'], /type: is postgres and cannot be changed/],
    [
      'a mask for a field without a stored secret',
      ['-f', '-'],
      '{"ssh_private_key":"[REDACTED]"}',
      ['ssh_private_key'],
      /is a mask, but no secret is stored/,
    ],
    ['half a tunnel', ['--jump-host', 'j'], undefined, ['ssh_username', 'ssh_private_key'], /set all of them or none/],
    ['a field of another type', ['--warehouse-id', 'w'], undefined, ['warehouse_id'], /is not a field of postgres/],
    [
      'an answer with a key of its own',
      ['-f', '-'],
      '{"db_type":"postgres","credentials":{},"password":"MARKERpassword"}',
      ['password'],
      /move it into credentials/,
    ],
    [
      'an output of get with a second type',
      ['-f', '-'],
      '{"db_type":"postgres","type":"mysql","credentials":{}}',
      ['type'],
      /differs from db_type/,
    ],
    [
      'an answer without credentials',
      ['-f', '-'],
      '{"db_type":"postgres","credentials":null}',
      undefined,
      /without credentials/,
    ],
    ['a bad env', ['--set-env', 'a b'], undefined, ['env'], /env: must be 1 to 64 letters/],
  ])('%s', async (_, args, stdin, fields, says) => {
    const attempt = { args: ['update', id, ...args], ...(stdin !== undefined && { stdin }) }
    await expectRefused(attempt, { says, ...(fields && { fields }), audited: true })
    expect((await site.vault.readSecret(`data-sources/${id}`))?.version).toBe(1)
    const open = await site.database.query(`SELECT 1 FROM dsctl.pending_operations WHERE state <> 'closed'`)
    expect(open).toEqual([])
  })
})
