import type { Command } from 'commander'
import type { Context } from '../cli/context.ts'
import { formatWithout } from '../cli/unsupported-format.ts'
import { formatDuration } from '../lib/duration.ts'
import { MAY } from '../operations/authorize.ts'
import { whoami } from '../operations/whoami.ts'
import { EMBEDDED_PROFILE } from '../settings/settings.ts'

/** `dsctl whoami`. */
export function define(command: Command, context: Context): void {
  command.addHelpText('after', EXAMPLES).action(() => run(context))
}

async function run(context: Context): Promise<void> {
  const format = formatWithout(context, 'name', 'id')
  const members = await context.members(MAY.read)
  const { user, organization, role } = await whoami(members)
  const { source, ttl } = await context.identity()
  const { profile } = context.settings()
  const expiry = ttl === undefined ? 'does not expire' : `expires in ${formatDuration(ttl)}`
  await context.print(
    {
      kind: 'record',
      data: { user, organization, role, identity_source: source, token_ttl_seconds: ttl ?? null },
      rows: [
        ['User', user.email],
        ['Name', user.name ?? undefined],
        ['User ID', user.id],
        ['Organization', organization.name],
        ['Role', role],
        ['Profile', profile],
        ['Known from', source],
        ['Token', profile === EMBEDDED_PROFILE ? undefined : expiry],
      ],
    },
    format,
  )
}

const EXAMPLES = `
Examples:
  dsctl whoami
  dsctl whoami -o json
`
