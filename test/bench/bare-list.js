// The baseline of `npm run bench` for `dsctl list`: one look-up in Vault and one query, without checks.
import { get } from 'node:http'
import pg from 'pg'

const { VAULT_ADDR, VAULT_TOKEN, DSCTL_DATABASE_URL } = process.env
const client = new pg.Client(DSCTL_DATABASE_URL)
const connected = client.connect()
await lookUpSelf()
await connected
const { rows } = await client.query(
  'select id, name, type, updated_at, env, onboarding_status from data_sources where deleted_at is null order by updated_at desc limit 25',
)
console.log(JSON.stringify(rows))
await client.end()

function lookUpSelf() {
  return new Promise((resolve, reject) => {
    const options = { headers: { 'x-vault-token': VAULT_TOKEN } }
    get(`${VAULT_ADDR}/v1/auth/token/lookup-self`, options, answer => answer.resume().on('end', resolve)).on(
      'error',
      reject,
    )
  })
}
