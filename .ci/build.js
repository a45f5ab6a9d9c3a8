// Bundles src/ into dist/. `npm run build` runs it.
//
//   main.js             the entry point: prints --version and --help, and loads run.js for everything else
//   run.js              the program; modules that it imports lazily are in files of their own
//   help.txt            the output of dsctl --help
//   embedded-data.tar.gz  an empty database for the embedded profile
//
// dist/ is replaced only after everything has been built.
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, transform } from 'esbuild'
import { thirdPartyLicenses } from './third-party-licenses.js'

const root = fileURLToPath(new URL('..', import.meta.url))
const src = join(root, 'src')
const output = join(root, `dist.${process.pid}`)
const { version, dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

const shared = {
  minify: true,
  platform: 'node',
  target: 'node20.17',
  // Keeps these regular expressions as literals. Otherwise esbuild compiles them at each use, to support newer Unicode.
  supported: { 'regexp-unicode-property-escapes': true },
  legalComments: 'none', // THIRD-PARTY-LICENSES.txt contains them
}
const bundled = {
  ...shared,
  absWorkingDir: root,
  outdir: output,
  bundle: true,
  define: { DSCTL_VERSION: JSON.stringify(version) },
}
// Node loads a CommonJS file with one synchronous call. Its loader of ES modules takes 5 ms to start and is asynchronous
// for each file, which would add a seventh to the time of `dsctl list`.
const commonJs = {
  ...shared,
  format: 'cjs',
  define: { 'import.meta.dirname': '__dirname', 'import.meta.filename': '__filename' },
  supported: { ...shared.supported, 'dynamic-import': false },
}

await buildEntryPoint()
const metafile = await buildProgram()
writeFileSync(join(output, 'package.json'), '{ "type": "commonjs" }\n')
writeFileSync(join(output, 'THIRD-PARTY-LICENSES.txt'), thirdPartyLicenses(root, metafile))
writeFileSync(join(output, 'embedded-data.tar.gz'), await embeddedData())
writeFileSync(join(output, 'help.txt'), await helpText())
rmSync(join(root, 'dist'), { recursive: true, force: true })
renameSync(output, join(root, 'dist'))

// A build of its own, so that `--version` and `--help` load no file that the entry point shares with the program.
async function buildEntryPoint() {
  await build({
    ...bundled,
    ...commonJs,
    define: { ...bundled.define, ...commonJs.define },
    entryPoints: ['src/main.ts'],
    external: ['./run.js'],
  })
}

async function buildProgram() {
  const { metafile, outputFiles } = await build({
    ...bundled,
    format: 'esm', // esbuild splits only ES modules; they are converted to CommonJS below
    entryPoints: ['src/run.ts'],
    splitting: true,
    metafile: true,
    write: false,
    external: [...Object.keys(dependencies), '*.node'], // ssh2 works without its native modules
    plugins: [lazyModules(), replacements()],
  })
  for (const { path, text } of outputFiles) writeFileSync(path, (await transform(text, commonJs)).code)
  return metafile
}

// A lazily imported module becomes a file of its own. esbuild puts two modules into one shared file only if exactly the same
// entry points use them, so every additional entry point would split the program into smaller files, and each file costs a
// quarter of a millisecond. Therefore each lazy module is entered through a small module that also imports what most
// commands have loaded by then: the program, all commands, and the code that opens servers. The result is one file with
// the program, one with the commands, and one for each heavier lazy module.
function lazyModules() {
  const commands = readdirSync(join(src, 'commands')).filter(name => name.endsWith('.ts'))
  const loaded = ['run.ts', ...commands.map(name => join('commands', name)), 'backends/open-servers.ts']
  const imports = loaded.map(path => `import ${JSON.stringify(join(src, path))}`)
  return {
    name: 'lazy-modules',
    setup(build) {
      build.onResolve({ filter: /^\.{1,2}\/.*\.ts$/ }, ({ kind, path, resolveDir }) =>
        kind === 'dynamic-import' ? { path: join(resolveDir, path), namespace: 'lazy' } : undefined,
      )
      build.onLoad({ filter: /.*/, namespace: 'lazy' }, ({ path }) => ({
        contents: [...imports, `export * from ${JSON.stringify(path)}`].join('\n'),
        resolveDir: dirname(path),
      }))
    },
  }
}

// Replaces modules of packages that dsctl does not need. The build fails if a package no longer imports one of them.
function replacements() {
  const stub = name => join(root, '.ci/stubs', name)
  const rules = [
    // node-vault: its HTTP client and its list of commands. dsctl passes its own transport and calls no such command.
    { from: 'node-vault', modules: /^(axios|https|tv4|mustache|\.\/commands\.js)$/, by: stub('empty.cjs') },
    { from: 'node-vault', modules: /^debug$/, by: stub('empty.cjs') }, // never prints, whatever DEBUG is set to
    // Prints the proxy's login if DEBUG is set; and an optional package for a kind of login that dsctl does not offer.
    { from: 'https-proxy-agent', modules: /^(debug|proxy-agent-negotiate)$/, by: stub('empty.cjs') },
    { from: 'http-proxy-agent', modules: /^(debug|proxy-agent-negotiate)$/, by: stub('empty.cjs') },
    { from: 'conf', modules: /^ajv/, by: stub('empty.cjs') }, // dsctl passes no schema
    { from: 'pg', modules: /^pg-native$/, by: stub('empty.cjs') },
    { from: 'ssh2', modules: /^cpu-features$/, by: stub('empty.cjs') },
    { from: 'pg', modules: /^\.\/stream$/, by: stub('pg-stream.cjs') },
    // mysql2 decodes texts in the server's character set. A connection test reads only codes and a version, so it does not
    // need half a megabyte of East Asian characters.
    { from: 'iconv-lite', modules: /^\.\/tables\/.*\.json$/, by: stub('empty-table.json') },
  ]
  const used = new Set()
  return {
    name: 'replacements',
    setup(build) {
      for (const rule of rules) {
        build.onResolve({ filter: rule.modules }, ({ importer }) => {
          if (!importer.includes(`/node_modules/${rule.from}/`)) return undefined
          used.add(rule)
          return { path: rule.by }
        })
      }
      build.onEnd(() => {
        const unused = rules.filter(rule => !used.has(rule))
        return {
          errors: unused.map(({ from, modules }) => ({
            text: `${from} no longer imports ${modules}: remove the rule.`,
          })),
        }
      })
    },
  }
}

// Built in advance because `dsctl --help` prints the file without loading the program.
async function helpText() {
  const { helpText } = await import(join(output, 'run.js'))
  return helpText(version)
}

// The result of initdb, which takes seconds. Cached between builds for each version of PGlite.
async function embeddedData() {
  const pglite = JSON.parse(readFileSync(join(root, 'node_modules/@electric-sql/pglite/package.json'), 'utf8')).version
  const cache = join(root, 'node_modules/.cache/dsctl')
  const path = join(cache, `embedded-data-${pglite}.tar.gz`)
  if (!existsSync(path)) {
    const { PGlite } = await import('@electric-sql/pglite')
    const database = await PGlite.create()
    const dump = await database.dumpDataDir('gzip')
    await database.close()
    mkdirSync(cache, { recursive: true })
    writeFileSync(`${path}.${process.pid}`, Buffer.from(await dump.arrayBuffer()))
    renameSync(`${path}.${process.pid}`, path)
  }
  return readFileSync(path)
}
