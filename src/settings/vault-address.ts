/** Why a text is no address of Vault, if it is none. A login for a proxy before Vault may stand in it. */
export function vaultAddressProblem(text: string): string | undefined {
  if (!/^https?:\/\/[^\s]+$/i.test(text) || !URL.canParse(text)) return LOOKS
  const { username, password, pathname } = new URL(text)
  if (/[?#\\]/.test(text) || /\/\/.*[/].*@/.test(text) || !isDecodable(`${username}:${password}`))
    return LOOKS_WITH_LOGIN
  return /\/\/|\/v1\/?$/.test(pathname) ? NO_PATH : undefined
}

const LOOKS = 'must look like https://vault.example.com:8200'
const LOOKS_WITH_LOGIN = `${LOOKS}, without ? and #; in a login before it, write /, ?, #, @ and % as %2F, %3F, %23, %40, %25`
const NO_PATH = `${LOOKS}, without /v1, which dsctl adds, and without // at its end`

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text)
    return true
  } catch {
    return false
  }
}
