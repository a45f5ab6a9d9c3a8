/**
 * The problem with an invalid Vault path, otherwise undefined. Ensures that different paths lead to different secrets.
 */
export function vaultPathProblem(text: string): string | undefined {
  const names = withoutOuterSlashes(text).split('/')
  return names.every(isName)
    ? undefined
    : 'must be names separated by /; no name may be empty, . or .., contain ? # % or \\, or begin or end with a space'
}

/** Removes one leading and one trailing slash: Vault's documentation and commands print paths with them. */
export function withoutOuterSlashes(path: string): string {
  return path.replace(/^\/|\/$/g, '')
}

// In a request's URL, ? and # end the path, . and .. (also as %2e) change it, and \ counts as /.
function isName(name: string): boolean {
  return !['', '.', '..'].includes(name) && name === name.trim() && !/[?#%\\\p{Cc}]/u.test(name)
}
