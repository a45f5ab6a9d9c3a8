// A replacement for Vault's command line with the commands that the recipes use: read, write, policy write, auth enable.
// With it, the recipes run on machines that have a server but no client.
import { readFileSync } from 'node:fs'

const [, , ...words] = process.argv
const field = words.find(word => word.startsWith('-field='))?.slice('-field='.length)
const [verb, ...rest] = words.filter(word => !word.startsWith('-'))

if (verb === 'policy') await call('PUT', `sys/policies/acl/${rest[1]}`, { policy: readFileSync(rest[2], 'utf8') })
else if (verb === 'auth') await call('POST', `sys/auth/${rest[1]}`, { type: rest[1] })
else if (verb === 'read') print(await call('GET', rest[0]))
else print(await call('POST', rest[0], fields(rest.slice(1))))

async function call(method, path, body) {
  const headers = { 'X-Vault-Token': process.env.VAULT_TOKEN ?? '' }
  const sent = { method, headers, ...(body && { body: JSON.stringify(body) }) }
  const answer = await fetch(`${process.env.VAULT_ADDR}/v1/${path}`, sent)
  if (!answer.ok) console.error(`Error: ${answer.status} ${await answer.text()}`)
  process.exitCode = answer.ok ? 0 : 2
  return answer.status === 200 ? (await answer.json()).data : {}
}

/** Parses a map such as `metadata=email=a@b`. */
function fields(pairs) {
  const split = text => [text.slice(0, text.indexOf('=')), text.slice(text.indexOf('=') + 1)]
  return Object.fromEntries(
    pairs.map(split).map(([name, value]) => [name, name === 'metadata' ? Object.fromEntries([split(value)]) : value]),
  )
}

function print(data) {
  if (field) console.log(data?.[field] ?? '')
}
