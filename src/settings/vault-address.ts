/** The problem with an invalid Vault address, otherwise undefined. A login for a proxy in front of Vault is allowed. */
export function vaultAddressProblem(text: string): string | undefined {
  if (!/^https?:\/\/[^\s]+$/i.test(text) || !URL.canParse(text)) return LOOKS
  const { username, password, pathname } = new URL(text)
  if (/[?#\\]/.test(text) || /\/\/.*[/].*@/.test(text) || !isDecodable(`${username}:${password}`))
    return LOOKS_WITH_LOGIN
  return /\/\/|\/v1\/?$/.test(pathname) ? NO_PATH : undefined
}

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
