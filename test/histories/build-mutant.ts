import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import type { Mutant } from './mutants.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** Builds the mutant in `folder`. Returns the path of its run.js. */
export async function buildMutant({ file, original, replacement }: Mutant, folder: string): Promise<string> {
  const source = join(ROOT, 'src', file)
  const pieces = readFileSync(source, 'utf8').split(original)
  if (pieces.length !== 2) throw new Error(`${file} has ${pieces.length - 1} times: ${original}`)
  await build({
    absWorkingDir: ROOT,
    entryPoints: ['src/run.ts'],
    outfile: join(folder, 'run.js'),
    bundle: true,
    format: 'esm',
    platform: 'node',
    logLevel: 'error',
    define: { DSCTL_VERSION: '"0.0.0"' },
    external: ['snowflake-sdk', 'tedious', '*.node'],
    banner: { js: "import{createRequire}from'node:module';const require=createRequire(import.meta.url);" },
    alias: Object.fromEntries(
      [...UNUSED, '@electric-sql/pglite'].map(name => [name, join(ROOT, '.ci/stubs/empty.cjs')]),
    ),
    plugins: [
      {
        name: 'mutant',
        setup: ({ onLoad }) =>
          onLoad({ filter: /\.ts$/ }, ({ path }) =>
            path === source ? { contents: pieces.join(replacement), loader: 'ts' } : undefined,
          ),
      },
    ],
  })
  return join(folder, 'run.js')
}

/** Left out as in the build: the program never uses them. */
const UNUSED = ['axios', 'tv4', 'mustache', 'debug', 'ajv/dist/2020.js', 'ajv-formats', 'pg-native', 'cpu-features']
