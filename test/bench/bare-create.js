// The baseline of `npm run bench` for `dsctl create`: writes one secret and one row, without checks and without roll-back.
import { randomUUID } from 'node:crypto'
import { request } from 'node:http'
import pg from 'pg'

const { VAULT_ADDR, VAULT_TOKEN, DSCTL_DATABASE_URL, DSCTL_VAULT_MOUNT } = process.env
const id = randomUUID()
const client = new pg.Client(DSCTL_DATABASE_URL)
const connected = client.connect()
await vault('GET', '/v1/auth/token/lookup-self')
await connected
await vault('POST', `/v1/${DSCTL_VAULT_MOUNT}/data/data-sources/${id}`, { options: { cas: 0 }, data: { host: 'db' } })
await client.query(
  `insert into data_sources (id, secret_id, name, type, env, organization_id)
   select $1::uuid, $1::uuid, $1::text, 'postgres', 'bench', id from organizations limit 1`,
  [id],
)
console.log(JSON.stringify({ id }))
await client.end()

function vault(method, path, body) {
  return new Promise((resolve, reject) => {
    const headers = { 'x-vault-token': VAULT_TOKEN, 'content-type': 'application/json' }
    const sent = request(`${VAULT_ADDR}${path}`, { method, headers }, answer => answer.resume().on('end', resolve))
    sent.on('error', reject).end(body && JSON.stringify(body))
  })
}
