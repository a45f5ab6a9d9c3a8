import type { State, Token } from './state.ts'

interface Rule {
  readonly pattern: string
  readonly capabilities: readonly string[]
}

/** A token's capabilities at a path, as in sys/capabilities-self: sorted names, or only `root`, or only `deny`. */
export function capabilities(state: State, token: Token, path: string): string[] {
  if (token.policies.includes('root')) return ['root']
  const rules = token.policies.flatMap(name => parsePolicy(personal(state, token, state.policies.get(name) ?? '')))
  const matching = rules.filter(rule => expression(rule.pattern).test(path))
  const best = matching.map(rule => rule.pattern).sort(bySpecificity)[0]
  const granted = matching.filter(rule => rule.pattern === best).flatMap(rule => rule.capabilities)
  return granted.length && !granted.includes('deny') ? [...new Set(granted)].sort() : ['deny']
}

/** The rules of a policy. Supports only a subset of HCL: paths with capabilities. */
export function parsePolicy(hcl: string): Rule[] {
  const rules: Rule[] = []
  const rest = hcl.replace(/^\s*#.*$/gm, '').replace(/path\s+"([^"]+)"\s*\{([^}]*)\}/g, (_, pattern, block) => {
    const list = /^\s*capabilities\s*=\s*\[([^\]]*)\]\s*$/.exec(block)
    if (!list) throw new Error(`it understands only capabilities in a policy: ${block}`)
    rules.push({ pattern, capabilities: [...(list[1] ?? '').matchAll(/"([a-z]+)"/g)].map(match => match[1] ?? '') })
    return ''
  })
  if (rest.trim()) throw new Error(`it does not understand this part of a policy: ${rest.trim()}`)
  return rules
}

function personal(state: State, token: Token, policy: string): string {
  const entity = state.entities.get(token.entityId)
  return policy
    .replaceAll('{{identity.entity.id}}', entity?.id ?? '\0')
    .replaceAll('{{identity.entity.name}}', entity?.name ?? '\0')
}

function expression(pattern: string): RegExp {
  const escaped = pattern.replace(/[.?^$()[\]{}|\\*]/g, '\\$&')
  return new RegExp(`^${escaped.replaceAll('+', '[^/]+').replace(/\\\*$/, '.*')}$`)
}

/** Vault's precedence: later first wildcard, then no final wildcard, then fewer segment wildcards, then longer path. */
function bySpecificity(a: string, b: string): number {
  const rank = (pattern: string) => [
    -(pattern.search(/[+*]/) + 1 || Number.POSITIVE_INFINITY),
    Number(pattern.endsWith('*')),
    pattern.split('+').length,
    -pattern.length,
  ]
  const [left, right] = [rank(a), rank(b)]
  const differs = left.findIndex((value, index) => value !== right[index])
  return differs === -1 ? 0 : (left[differs] ?? 0) - (right[differs] ?? 0)
}
