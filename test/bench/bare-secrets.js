// The baseline of `npm run bench` for `dsctl apply`: `write COUNT` writes new secrets, `read FILE` reads those with the ids
// in the file. 16 requests at a time, on persistent connections.
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { fieldsOf } from './batch-file.js'

const { VAULT_ADDR, VAULT_TOKEN, DSCTL_VAULT_MOUNT } = process.env
const PARALLEL = 16
const [what, argument] = process.argv.slice(2)
const ids =
  what === 'read'
    ? readFileSync(argument, 'utf8').trim().split('\n')
    : Array.from({ length: Number(argument) }, () => randomUUID())
const agent = new Agent({ keepAlive: true, maxSockets: PARALLEL })
let next = 0
await Promise.all(Array.from({ length: PARALLEL }, worker))
agent.destroy()

async function worker() {
  for (let at = next++; at < ids.length; at = next++) {
    const path = `/v1/${DSCTL_VAULT_MOUNT}/data/data-sources/${ids[at]}`
    if (what === 'read') await vault('GET', path)
    else await vault('POST', path, { options: { cas: 0 }, data: { type: 'postgres', ...fieldsOf(at) } })
  }
}

function vault(method, path, body) {
  return new Promise((resolve, reject) => {
    const headers = { 'x-vault-token': VAULT_TOKEN, 'content-type': 'application/json' }
    const sent = request(`${VAULT_ADDR}${path}`, { method, headers, agent }, answer => {
      const chunks = []
      answer.on('data', chunk => chunks.push(chunk))
      answer.on('end', () => {
        if (answer.statusCode !== 200) reject(new Error(`Vault answered ${answer.statusCode}.`))
        else resolve(JSON.parse(Buffer.concat(chunks).toString('utf8')))
      })
    })
    sent.on('error', reject).end(body && JSON.stringify(body))
  })
}
