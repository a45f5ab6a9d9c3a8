/** The problem with an invalid Vault address, otherwise undefined. A login for a proxy in front of Vault is allowed. */
export function vaultAddressProblem(text: string): string | undefined {
  const socket = vaultSocket(text)
  if (socket !== undefined) return socketProblem(socket)
  if (!/^https?:\/\/[^\s]+$/i.test(text) || !URL.canParse(text)) {
    return `${LOOKS}, or like unix:///run/vault.sock`
  }
  const { username, password, pathname } = new URL(text)
  if (/[?#\\]/.test(text) || /\/\/.*[/].*@/.test(text) || !isDecodable(`${username}:${password}`))
    return LOOKS_WITH_LOGIN
  return /\/\/|\/v1\/?$/.test(pathname) ? NO_PATH : undefined
}

/** The path of the socket in an address such as `unix:///run/vault.sock`; undefined for any other address. */
export function vaultSocket(address: string): string | undefined {
  return address.startsWith('unix://') ? address.slice('unix://'.length) : undefined
}

function socketProblem(path: string): string | undefined {
  if (!path.startsWith('/') || /\p{Cc}/u.test(path)) return 'must have an absolute path: unix:///run/vault.sock'
  return Buffer.byteLength(path) > MAX_SOCKET_PATH
    ? `must have a path of at most ${MAX_SOCKET_PATH} bytes, the limit of the system for sockets`
    : undefined
}

/** The limits of macOS and Linux differ; this is the smaller one. */
const MAX_SOCKET_PATH = 103

const LOOKS = 'must look like https://vault.example.com:8200'
const LOOKS_WITH_LOGIN = `${LOOKS}, without ? and #; in a user or password, write /, ?, #, @ and % as %2F, %3F, %23, %40 and %25`
const NO_PATH = `${LOOKS}: its path must not contain // or end in /v1, which dsctl adds itself`

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text)
    return true
  } catch {
    return false
  }
}
