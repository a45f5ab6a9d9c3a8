import { readdirSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'

/** A page of the documentation: README.md or a file in docs/. */
export interface Page {
  /** Relative to the repository, for instance `docs/tour.md`. */
  readonly path: string
  readonly text: string
}

/** A fenced block, with the comment on the line before it, for instance `policy: admin`. */
export interface Block {
  readonly language: string
  readonly marker: string | undefined
  readonly text: string
}

/** A command after `$ ` in a console block, and the output that follows it. */
export interface Example {
  readonly command: string
  readonly output: string
}

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

export const PAGES: readonly Page[] = pagePaths().map(path => ({ path, text: readFileSync(join(ROOT, path), 'utf8') }))

/** The text of a page, by its path in the repository. */
export function getPage(path: string): string {
  const page = PAGES.find(each => each.path === path)
  if (!page) throw new Error(`There is no page ${path}.`)
  return page.text
}

/** The fenced blocks, in order. */
export function blocks(text: string): readonly Block[] {
  const found = text.matchAll(/(?:^<!-- ([^\n]*) -->\n)?^```(\w*)\n(.*?)^```$/gms)
  return [...found].map(([, marker, language = '', text = '']) => ({ language, marker, text }))
}

/** The text of the fenced block after a comment, for instance `policy: admin`. One page has it, once. */
export function markedBlock(marker: string): string {
  const [block, ...others] = PAGES.flatMap(({ text }) => blocks(text)).filter(each => each.marker === marker)
  if (!block || others.length)
    throw new Error(`The docs have ${others.length ? 'several blocks' : 'no block'} ${marker}.`)
  return block.text
}

/** The text between `<!-- NAME -->` and `<!-- /NAME -->`. */
export function between(name: string, text: string): string {
  const found = new RegExp(`<!-- ${name} -->\n(.*)<!-- /${name} -->`, 's').exec(text)?.[1]
  if (found === undefined) throw new Error(`There is no <!-- ${name} -->.`)
  return found
}

/** The examples of a console block. Lines that begin with `> ` continue a command. */
export function examples({ text }: Block): readonly Example[] {
  return text
    .split(/^\$ /m)
    .slice(1)
    .map(part => {
      const [first = '', ...lines] = part.split('\n')
      const more = lines.findIndex(line => !line.startsWith('> '))
      const command = [first, ...lines.slice(0, more).map(line => line.slice(2))].join('\n')
      return { command, output: lines.slice(more).join('\n') }
    })
}

/** Output without what differs between runs: ids, times and column widths. */
export function comparable(output: string): string {
  return output
    .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '(an id)')
    .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, '(a time)')
    .replace(/(good for|expires in) (\d+ minutes|1 hour)/g, '$1 (some) minutes')
    .replace(/(\S) {2,}/g, '$1  ')
    .replace(/ +$/gm, '')
}

/** Where a page's relative links lead: a file, relative to the repository, and a heading's anchor in it. */
export function links({ path, text }: Page): readonly { readonly file: string; readonly anchor: string | undefined }[] {
  return [...text.matchAll(/\]\(((?!https?:)[^)]*)\)/g)].map(([, link = '']) => {
    const [file = '', anchor] = link.split('#')
    return { file: file === '' ? path : posix.join(posix.dirname(path), file), anchor }
  })
}

/** The anchors of a page's headings, as GitHub makes them. */
export function anchors(text: string): readonly string[] {
  const prose = text.replace(/^```.*?^```$/gms, '')
  return [...prose.matchAll(/^#+ (.*)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replace(/[^\w -]/g, '')
      .replaceAll(' ', '-'),
  )
}

function pagePaths(): readonly string[] {
  const files = readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
  return [
    'README.md',
    ...files
      .filter(path => path.endsWith('.md'))
      .sort()
      .map(path => posix.join('docs', path)),
  ]
}
