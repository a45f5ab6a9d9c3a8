import { expect, test } from 'vitest'
import { sourceTexts } from '../support/source-files.ts'
import { VAULT_ROWS } from './reference/vault-environment.ts'

// From the documentation of both commands.
const DOCUMENTED = `
ADDR AGENT_ADDR CACERT CACERT_BYTES CAPATH CLIENT_CERT CLIENT_KEY CLIENT_TIMEOUT CLUSTER_ADDR FORMAT LICENSE LICENSE_PATH
LOG_LEVEL MAX_RETRIES REDIRECT_ADDR SKIP_VERIFY TLS_SERVER_NAME CLI_NO_COLOR RATE_LIMIT NAMESPACE SRV_LOOKUP MFA WRAP_TTL
HTTP_PROXY PROXY_ADDR DISABLE_REDIRECTS TOKEN TOKEN_PATH HEADERS CONFIG_PATH DETAILED`

test('The table has every variable that the vault and bao commands document', () => {
  const names = VAULT_ROWS.map(({ name }) => name)
  expect(
    DOCUMENTED.trim()
      .split(/\s+/)
      .filter(name => !names.includes(name)),
  ).toEqual([])
  expect(new Set(names).size).toBe(names.length)
})

test('A variable is marked as used or refused if the program reads it', () => {
  const found = sourceTexts().flatMap(text => [
    ...[...text.matchAll(/vault(?:Variable|Flag)\(env, '(\w+)'\)/g)].map(([, name = '']) => name),
    ...[...text.matchAll(/vaultNames\('(\w+)'\)/g)].map(([, name = '']) => name),
    ...[...text.matchAll(/`(CLIENT_\w+)\$\{suffix\}`/g)].flatMap(([, name = '']) => [name, `${name}_BYTES`]),
  ])
  const used = VAULT_ROWS.filter(({ use }) => use !== 'not used').map(({ name }) => name)
  expect(new Set(found)).toEqual(new Set(used))
})
