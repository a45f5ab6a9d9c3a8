// The licences of the bundled packages. dist/ contains the packages, so it must contain their licences too.
import { readdirSync, readFileSync } from 'node:fs'

/** The text of THIRD-PARTY-LICENSES.txt for esbuild's metafile. Throws if a package has no licence. */
export function thirdPartyLicenses(root, { outputs }) {
  const inputs = Object.values(outputs).flatMap(output => Object.entries(output.inputs))
  const bundled = inputs.filter(([, { bytesInOutput }]) => bytesInOutput > 0).map(([path]) => path)
  const folders = bundled.flatMap(path => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? [])
  const packages = [...new Set(folders)].sort().map(folder => licensed(`${root}/${folder}`))
  const head = 'These packages are bundled into dist/. Their licences follow.\n'
  return [head, ...packages].join(`\n${'-'.repeat(80)}\n\n`)
}

function licensed(folder) {
  const { name, version, license, licenses, author } = JSON.parse(readFileSync(`${folder}/package.json`, 'utf8'))
  const kinds = [license ?? licenses].flat().map(kind => kind?.type ?? kind)
  const by = author?.name ?? author ?? 'its authors'
  const text = texts(folder).join('\n\n') || `Copyright (c) ${by}. Published as ${kinds.join(' or ')}, without a text.`
  if (!kinds[0]) throw new Error(`${name} has no licence`)
  return `${name} ${version} (${kinds.join(' or ')})\n\n${text}\n`
}

// The licence files of a package, or else the licence section of its README.
function texts(folder) {
  const files = readdirSync(folder)
  const own = files.filter(file => /^(licen[cs]e|copying|notice)/i.test(file))
  if (own.length) return own.map(file => readFileSync(`${folder}/${file}`, 'utf8').trim())
  const readme = files.filter(file => /^readme/i.test(file)).map(file => readFileSync(`${folder}/${file}`, 'utf8'))
  return readme.flatMap(text => /^#+ *licen[cs]e.*\n([\s\S]*)/im.exec(text)?.[1].trim() ?? [])
}
