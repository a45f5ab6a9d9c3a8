import type { LookUpFixture } from '../secrets.ts'
import { memorySecrets } from './memory-secrets.ts'

export async function memorySecretsFixture(): Promise<LookUpFixture> {
  const kept = 3
  const others: Record<string, Readonly<Record<string, unknown>>> = {}
  return {
    secrets: memorySecrets({ kept, secrets: {}, others }),
    kept,
    async addOther(data) {
      const path = `secret/other-${Object.keys(others).length}`
      others[path] = data
      return path
    },
    drop: async () => {},
  }
}
