/** Why a text is no path in Vault, if it is none: each secret must have one of its own, as it stands. */
export function vaultPathProblem(text: string): string | undefined {
  const names = withoutOuterSlashes(text).split('/')
  return names.every(isName)
    ? undefined
    : 'must be names with / between them: none empty, . or .., none with ? # % \\ in it or blanks around it'
}

/** As the paths in Vault's own documentation may begin, and its commands print them. */
export function withoutOuterSlashes(path: string): string {
  return path.replace(/^\/|\/$/g, '')
}

// In the URL of a request ? and # end the path, dots climb, also as %2e, and \ is a /: what follows would be lost.
function isName(name: string): boolean {
  return !['', '.', '..'].includes(name) && name === name.trim() && !/[?#%\\\p{Cc}]/u.test(name)
}
