import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { expect, test } from 'vitest'

test('printing JSON loads no package; a table loads neither prompts nor YAML', async () => {
  const entries = ['output', 'messages', 'is-interactive', 'prompter', 'progress', 'table']
  const { metafile } = await build({
    entryPoints: entries.map(name => fileURLToPath(new URL(`../../../src/terminal/${name}.ts`, import.meta.url))),
    outdir: 'unwritten',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    metafile: true,
    write: false,
    absWorkingDir: fileURLToPath(new URL('../../..', import.meta.url)),
  })
  const packagesOf = (name: string) => {
    const inputs = loadedWith(metafile.outputs, `unwritten/${name}.js`)
    return inputs.filter(input => input.includes('node_modules/')).map(input => input.split('node_modules/').at(-1))
  }
  for (const name of entries.slice(0, -1)) expect(packagesOf(name)).toEqual([])
  expect(packagesOf('table').some(input => input?.startsWith('cli-table3'))).toBe(true)
  expect(packagesOf('table').filter(input => /^(chalk|yaml|@inquirer)/.test(input ?? ''))).toEqual([])
})

type Outputs = Awaited<ReturnType<typeof build<{ metafile: true }>>>['metafile']['outputs']

function loadedWith(outputs: Outputs, file: string, seen = new Set<string>()): string[] {
  const output = outputs[file]
  if (!output || seen.has(file)) return []
  seen.add(file)
  const imports = output.imports.filter(({ kind }) => kind === 'import-statement')
  return [...Object.keys(output.inputs), ...imports.flatMap(({ path }) => loadedWith(outputs, path, seen))]
}
