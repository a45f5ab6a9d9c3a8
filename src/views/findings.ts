import type { Finding } from '../operations/doctor/finding.ts'
import type { ListView } from '../terminal/view.ts'

/** The findings of `doctor`. */
export function findingsView(findings: readonly Finding[]): ListView<Finding> {
  return {
    kind: 'list',
    data: findings,
    empty: '',
    defaultWidth: 80,
    columns: [
      { title: 'CHECK', value: ({ check }) => check, fixed: true },
      { title: 'STATUS', value: ({ status }) => ({ text: status, tone: TONES[status] }), fixed: true },
      { title: 'MESSAGE', value: ({ message, fix }) => (fix ? `${message} ${fix}` : message), wrap: true },
    ],
  }
}

const TONES = { ok: 'good', warning: 'warning', problem: 'bad' } as const
