// Bundles src/ into dist/: a small entry, and the rest split so that a command loads only what it uses; and the data directory with
// which the embedded profile begins. dist/ is replaced as a whole, and only where the build went well.
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, transform } from 'esbuild'
import { thirdPartyLicenses } from './third-party-licenses.js'

const root = fileURLToPath(new URL('..', import.meta.url))
const next = `${root}/dist.${process.pid}`
const { version, dependencies } = JSON.parse(readFileSync(`${root}/package.json`, 'utf8'))
const empty = `${root}/.ci/empty.cjs`

const common = {
  minify: true,
  platform: 'node',
  target: 'node20.17',
  supported: { 'regexp-unicode-property-escapes': true }, // as literals: esbuild would make them anew at each use, for the sake of scripts that Unicode may yet get
  legalComments: 'none', // THIRD-PARTY-LICENSES.txt has them all
}
const bundled = {
  ...common,
  absWorkingDir: root,
  outdir: next,
  bundle: true,
  define: { DSCTL_VERSION: JSON.stringify(version) },
}
// Node loads CommonJS by one synchronous call a file, its ES modules through a loader that takes 5 ms to begin and a tick
// for each: a seventh of what `dsctl list` takes.
const commonJs = {
  ...common,
  format: 'cjs',
  define: { 'import.meta.dirname': '__dirname', 'import.meta.filename': '__filename' },
  supported: { ...common.supported, 'dynamic-import': false },
}
const UNUSED = ['axios', 'tv4', 'mustache', 'debug', 'ajv/dist/2020.js', 'ajv-formats', 'pg-native', 'cpu-features']
const LIGHT = /\/src\/(commands|operations|backends\/open-servers|vault\/(identity|secrets|check))\b/
const LAZY = /\bimport\('(\.[^']+)'\)/g
const STATEMENTS = ['connection/database', 'records/postgres-records'].map(name => `${root}src/postgres/${name}.ts`)
const lazyFiles = new Set(lazilyImported().filter(path => !LIGHT.test(path)))
// The entry stands alone, so that `--version` and `--help` read no other chunk.
await build({
  ...bundled,
  ...commonJs,
  define: { ...bundled.define, ...commonJs.define },
  entryPoints: ['src/main.ts'],
  external: ['./run.js'],
})
const { metafile, outputFiles } = await build({
  ...bundled,
  // esbuild splits only ES modules.
  format: 'esm',
  entryPoints: ['src/run.ts'],
  splitting: true,
  metafile: true,
  write: false,
  external: [...Object.keys(dependencies), '*.node'], // ssh2 tries native code first, and does without
  // Never reached: node-vault is given a transport and no commands of its own to check and to fill in, conf has no
  // schema, pg no native client. And what is not there can print nothing, whatever DEBUG says.
  alias: Object.fromEntries(UNUSED.map(name => [name, empty])),
  plugins: [
    {
      name: 'node-vault',
      setup: build => build.onResolve({ filter: /^(https|\.\/commands\.js)$/ }, unusedByNodeVault),
    },
    plugin(/pg\/lib\/stream\.js$/, notOnCloudflare),
    plugin(/iconv-lite\/encodings\/tables\/.*\.json$/, noTables),
    plugin(/\/src\/.*\.ts$/, lightCodeTogether),
  ],
})
for (const { path, text } of outputFiles) writeFileSync(path, (await transform(text, commonJs)).code)
writeFileSync(`${next}/package.json`, '{ "type": "commonjs" }\n')
writeFileSync(`${next}/THIRD-PARTY-LICENSES.txt`, thirdPartyLicenses(root, metafile))
writeFileSync(`${next}/embedded-data.tar.gz`, await embeddedData())
writeFileSync(`${next}/help.txt`, await helpText())
rmSync(`${root}/dist`, { recursive: true, force: true })
renameSync(next, `${root}/dist`)

// What the program says of itself, so that it need not be made anew at each `dsctl --help`.
async function helpText() {
  const { helpText } = await import(`${next}/run.js`)
  return helpText(version)
}

function plugin(filter, load) {
  return { name: load.name, setup: build => build.onLoad({ filter }, load) }
}

// What is imported when it is used is split off for the sake of the packages behind it. Where there is none, a file of
// its own costs more (half a millisecond) than it saves: such code goes where its importer goes.
function lightCodeTogether({ path }) {
  const light = companionsOf(path).map(file => `import '${file}'`)
  const contents = readFileSync(path, 'utf8').replace(LAZY, (lazy, file) => {
    if (!LIGHT.test(join(dirname(path), file))) return lazy
    const name = `light${light.length}`
    light.push(`import * as ${name} from '${file}'`)
    return `Promise.resolve(${name})`
  })
  return { contents: `${contents}\n${light.join('\n')}`, loader: 'ts' }
}

// esbuild puts modules into one file where the same entries reach them; each way in of its own would split what they share
// into ever smaller files. So each reaches all that is loaded by then anyway: the program, and for what works on a database
// all that a statement needs.
function companionsOf(path) {
  if (!lazyFiles.has(path)) return []
  const onDatabase = path.startsWith(`${root}src/postgres/`) && !path.endsWith('/connection/pool.ts')
  return [`${root}src/run.ts`, ...(onDatabase ? STATEMENTS : [])].filter(file => file !== path)
}

function lazilyImported() {
  const sources = readdirSync(`${root}src`, { recursive: true }).filter(name => name.endsWith('.ts'))
  return sources.flatMap(name => {
    const path = join(root, 'src', name)
    return [...readFileSync(path, 'utf8').matchAll(LAZY)].map(([, file]) => join(dirname(path), file))
  })
}

// For a transport of its own node-vault has Node load TLS, which takes 3 ms; its commands are as long as the rest of it.
function unusedByNodeVault({ importer }) {
  return importer.includes('/node_modules/node-vault/') ? { path: empty } : undefined
}

// To find out whether it runs on Cloudflare, pg makes a Response, for which Node 20 loads all of undici: 15 ms.
function notOnCloudflare({ path }) {
  const asked = "typeof Response === 'function'"
  const contents = readFileSync(path, 'utf8')
  if (!contents.includes(asked)) throw new Error(`${path} does not ask for a Response any more: take this out.`)
  return { contents: contents.replace(asked, 'false'), loader: 'js' }
}

// mysql2 decodes what a server says in its own character set. A test reads codes and a version, for which half a megabyte
// of East Asian characters is of no use.
function noTables() {
  return { contents: '[]', loader: 'json' }
}

// What initdb makes, which takes seconds: kept between builds, for the version of PGlite that made it.
async function embeddedData() {
  const pglite = JSON.parse(readFileSync(`${root}/node_modules/@electric-sql/pglite/package.json`, 'utf8')).version
  const cache = `${root}/node_modules/.cache/dsctl`
  const path = `${cache}/embedded-data-${pglite}.tar.gz`
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
