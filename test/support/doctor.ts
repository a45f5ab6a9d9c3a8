import { z } from 'zod'
import { json, type RunOptions } from './run.ts'
import type { Site } from './site.ts'

const finding = z.strictObject({
  check: z.string().min(1),
  status: z.enum(['ok', 'warning', 'problem']),
  message: z.string().regex(/\.$/),
  fix: z.string().min(1).nullable(),
  items: z.array(z.uuid()),
})

export type Finding = z.infer<typeof finding>

export interface Diagnosis {
  readonly code: number | null
  readonly findings: readonly Finding[]
  /** The findings that are not ok, as `check: status`. */
  readonly wrong: readonly string[]
  of(check: string): Finding
}

/** Runs doctor, and checks that every finding has the documented shape. */
export async function diagnose(
  { dsctl }: Pick<Site, 'dsctl'>,
  args: readonly string[] = [],
  options: RunOptions = {},
): Promise<Diagnosis> {
  const result = await dsctl(['doctor', ...args, '-o', 'json'], options)
  const findings = z.array(finding).parse(json(result))
  return {
    code: result.code,
    findings,
    wrong: findings.filter(({ status }) => status !== 'ok').map(({ check, status }) => `${check}: ${status}`),
    of(check) {
      const found = findings.filter(each => each.check === check)
      if (found.length !== 1) throw new Error(`${found.length} of ${check}: ${JSON.stringify(findings)}`)
      return found[0] as Finding
    },
  }
}
