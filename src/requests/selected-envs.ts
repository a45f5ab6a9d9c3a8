import type { InputContext } from '../cli/context.ts'
import { invalid } from '../domain/errors.ts'
import { splitList } from '../lib/split-list.ts'

/** The envs of every `--env`, which may be comma-separated, without duplicates. Throws `invalid` for an empty env. */
export function givenEnvs({ options }: InputContext): readonly string[] {
  const envs = (options.env ?? []).flatMap(splitList)
  if (envs.includes('')) throw invalid('Invalid command line.', [{ field: 'env', message: 'must not be empty' }])
  return [...new Set(envs)]
}

/** The envs to select: those of `--env`, or else the env of the settings. An empty list selects every env. */
export function selectedEnvs(context: InputContext): readonly string[] {
  const given = givenEnvs(context)
  const ofSettings = context.settings().get('env')
  return given.length || ofSettings === undefined ? given : [ofSettings]
}
