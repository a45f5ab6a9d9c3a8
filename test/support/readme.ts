import { readFileSync } from 'node:fs'

/** A fenced block, with the comment on the line before it, for instance `policy: admin`. */
export interface Block {
  readonly language: string
  readonly marker: string | undefined
  readonly text: string
}

/** A line typed after `$ ` in a console block, and what is printed after it. */
export interface Example {
  readonly command: string
  readonly output: string
}

export const README = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')

/** The fenced blocks, in order. */
export function blocks(readme = README): readonly Block[] {
  const found = readme.matchAll(/(?:^<!-- ([^\n]*) -->\n)?^```(\w*)\n(.*?)^```$/gms)
  return [...found].map(([, marker, language = '', text = '']) => ({ language, marker, text }))
}

/** The text of the one fenced block that follows a comment, for instance `policy: admin`. */
export function markedBlock(marker: string, text = README): string {
  const [block, ...others] = blocks(text).filter(each => each.marker === marker)
  if (!block || others.length)
    throw new Error(`The README has ${others.length ? 'several blocks' : 'no block'} ${marker}.`)
  return block.text
}

/** What stands between `<!-- NAME -->` and `<!-- /NAME -->`. */
export function between(name: string): string {
  const found = new RegExp(`<!-- ${name} -->\n(.*)<!-- /${name} -->`, 's').exec(README)?.[1]
  if (found === undefined) throw new Error(`The README has no <!-- ${name} -->.`)
  return found
}

/** The examples of a console block. A command goes on in lines that begin with `> `. */
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

/** Where the links lead: to a heading, here or in another file, or to a file. */
export function links(text: string): readonly string[] {
  return [...text.matchAll(/\]\(((?!https?:)[^)]*)\)/g)].map(([, link = '']) => link)
}

/** A heading's anchor, as GitHub makes it. */
export function anchor(title: string): string {
  return title
    .toLowerCase()
    .replace(/[^\w -]/g, '')
    .replaceAll(' ', '-')
}
