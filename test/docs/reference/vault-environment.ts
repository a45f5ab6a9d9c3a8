import { table } from './markdown.ts'

/** What dsctl does with a variable of the Vault and OpenBao commands; the name without VAULT_ or BAO_. */
export interface VaultRow {
  readonly name: string
  readonly use: 'used' | 'refused' | 'not used'
  readonly meaning: string
}

const row = (use: VaultRow['use'], names: string, meaning: string): VaultRow[] =>
  names.split(' ').map(name => ({ name, use, meaning }))

const SERVER = 'for servers'
const SSH = 'for `vault ssh`'

export const VAULT_ROWS: readonly VaultRow[] = [
  ...row('used', 'ADDR', 'setting `vault.addr`; also `unix:///PATH`'),
  ...row('used', 'AGENT_ADDR', 'overrides `ADDR`. `init` does not save it in the profile'),
  ...row('used', 'NAMESPACE', 'setting `vault.namespace`'),
  ...row('used', 'TOKEN', 'overrides the saved token. Without any token, requests are sent without one, for an agent'),
  ...row('used', 'TOKEN_PATH', 'file of the saved token, instead of `~/.vault-token`'),
  ...row('used', 'CONFIG_PATH', 'file with `token_helper`, instead of `~/.bao` and `~/.vault`'),
  ...row('used', 'CACERT', 'setting `vault.caCert`; overrides `CACERT_BYTES`'),
  ...row('used', 'CACERT_BYTES', 'CA certificates as PEM text; overrides `CAPATH`'),
  ...row('used', 'CAPATH', 'folder with CA certificates; overrides `vault.caCert` of the profile'),
  ...row('used', 'CLIENT_CERT CLIENT_KEY', 'PEM files of the client certificate; both are required'),
  ...row('used', 'CLIENT_CERT_BYTES CLIENT_KEY_BYTES', 'the same as PEM texts; the files override them'),
  ...row('used', 'TLS_SERVER_NAME', 'name that is sent to Vault and that its certificate must be for'),
  ...row('refused', 'SKIP_VERIFY', 'exit 2, except for an address of this machine. Set `CACERT` instead'),
  ...row('used', 'CLIENT_TIMEOUT', 'seconds or a duration such as `90s`; `--timeout` overrides it. Default: 10 s'),
  ...row('used', 'MAX_RETRIES', 'how often a read is repeated after 412, 429 and 5xx, except 501. Default: 0'),
  ...row('used', 'DISABLE_REDIRECTS', 'follows no redirect'),
  ...row('used', 'HEADERS', 'JSON object of further headers; not `Authorization` nor `X-Vault-…`'),
  ...row('used', 'PROXY_ADDR', 'proxy for all addresses except this machine; overrides `HTTP_PROXY`'),
  ...row('used', 'HTTP_PROXY', 'the same; overrides `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` of the system'),
  ...row('not used', 'RATE_LIMIT', '`--parallel` limits the requests at once'),
  ...row('not used', 'SRV_LOOKUP', 'set `ADDR` to the host and port of Vault'),
  ...row('not used', 'WRAP_TTL', 'dsctl reads its responses, so they are never wrapped'),
  ...row('not used', 'MFA', 'log in with `vault login`, which asks for the second factor'),
  ...row('not used', 'FORMAT DETAILED', 'use `--output` or `DSCTL_OUTPUT`'),
  ...row('not used', 'CLI_NO_COLOR', 'use `--no-color` or `NO_COLOR`'),
  ...row('not used', 'UNWRAP_TOKEN', 'pass the wrapped token to `dsctl login --token -`'),
  ...row('not used', 'CLUSTER_ADDR REDIRECT_ADDR API_ADDR ADVERTISE_ADDR', SERVER),
  ...row('not used', 'LOG_LEVEL LOG_FORMAT UI SEAL_TYPE LICENSE LICENSE_PATH', SERVER),
  ...row('not used', 'AGENT_CONFIG_PATH PROXY_CONFIG_PATH', 'for the agent and the proxy'),
  ...row('not used', 'SSH_EXECUTABLE SSH_HOST_KEY_HOSTNAMES SSH_HOST_KEY_MOUNT_POINT', SSH),
  ...row('not used', 'SSH_STRICT_HOST_KEY_CHECKING SSH_USER_KNOWN_HOSTS_FILE', SSH),
]

/** docs/reference/vault-environment.md. */
export function vaultEnvironmentPage(): string {
  const rows = VAULT_ROWS.map(({ name, use, meaning }) => [`\`VAULT_${name}\`, \`BAO_${name}\``, use, meaning])
  return `# Variables of Vault and OpenBao

What dsctl does with each variable that the \`vault\` and \`bao\` commands document. \`BAO_NAME\` overrides \`VAULT_NAME\`, as
in OpenBao. A flag overrides both, and both override the profile. An empty variable counts as not set.

${table(['variable', 'dsctl', 'meaning'], rows)}
\`HTTPS_PROXY\`, \`HTTP_PROXY\` and \`NO_PROXY\`, also in lower case, apply to Vault as they do to the \`vault\` command: a name in
\`NO_PROXY\` covers its subdomains too, and an entry may be an address range or have a port. This machine is never
reached by a proxy.

## Token helpers

The configuration of the \`vault\` and \`bao\` commands may name a program that keeps the token: \`token_helper = "/PATH"\` in
\`~/.bao\` or \`~/.vault\`. dsctl runs it as they do, with \`get\`, \`store\` or \`erase\`, but without a shell and for at most the
timeout. Then \`~/.vault-token\` is not used.

## Agents and proxies of Vault

Without a token, dsctl sends its requests without one, and an agent or a proxy with auto-auth adds its own. Every request
has the header \`X-Vault-Request\`, which \`require_request_header\` demands. Neither \`logout\` nor the end of a command revokes
a token that an agent uses.
`
}
