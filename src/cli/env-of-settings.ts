import type { InputContext } from './context.ts'

/** The env that the settings select, and its source, for example `profile default`. Undefined if `--env` is given. */
export function envOfSettings(context: InputContext): { env: string; source: string } | undefined {
  const { value: env, source = '' } = context.settings().all.find(({ key }) => key === 'env') ?? {}
  return env === undefined || source === 'flag' ? undefined : { env, source }
}
