// Rejects phrases that are hard to read, in code, comments, messages and documentation. Prints each with a plain
// alternative. Usage: node .ci/check-words.js [PATH...]; without paths it checks the repository.
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Each phrase as a regular expression, and what to write instead. A space also matches a line break in a comment. */
const PHRASES = [
  ['told', 'reported, printed, warned, given; "X is told" -> "dsctl reports X"'],
  ['tells? (?:of|apart)', 'reports, distinguishes'],
  ['(?:pre)?judg(?:e|es|ed|ing|ement|ment)', 'check, validate, verify, evaluate'],
  ['stands(?! for\\b)', 'is'],
  ['stand (?:in(?! for\\b)|there|at|on|before|beside|twice|under)', 'is, are'],
  ['whoever', 'anyone who, the caller'],
  ['whomever', 'anyone'],
  ['all the same', 'anyway, still'],
  ['likewise', 'also, in the same way'],
  ['like this', 'name the thing: "Invalid command line."'],
  ['(?:go|goes|going|went) before', 'overrides, comes first'],
  ['so (?:many|much)(?= (?:bytes|characters|milliseconds|seconds|items|of|at)\\b|[,.;)`\'"])', 'a number, a limit'],
  ['no more than so (?:many|much)', 'at most N'],
  ['where (?:there (?:is|are|was|were)|nothing|nobody|none|neither)', 'if there is, when there is, unless'],
  ['lest', 'so that ... not'],
  ['(?:[,;.] |\\(|(?://|\\*) )(?:were|had) (?:it|they|there)', 'if it were, if it had'],
  ['or (?:it|there|they) were (?:no|not)', 'otherwise it would not be'],
  ['(?:as it were|it is so already|so it is with)', 'leave it out, or name what happens'],
  ['of (?:which|whom)', 'two sentences, or "whose"'],
  ['a moment ago', 'just now, recently, earlier'],
  ['for good', 'permanently'],
  ['those (?:that )?there are', 'them, the existing ones'],
  ['(?:that|which) there (?:is none|are none|is no)', 'missing, unknown'],
  ['there is none of', 'missing, unknown'],
  ['beside', 'next to, in addition to, as well as'],
  ['(?:anew|afresh)', 'again'],
  ['may yet', 'may still'],
  ['com(?:e|es|ing) to (?:no|an) end', 'does not finish, ends'],
  ['no end within', 'timed out after'],
  ['say (?:--|which)', 'Pass --flag.'],
  ['(?:amiss|hitherto|thereby|therein|thereof|thereupon|whereupon|whereby|forthwith|nought|heed)', 'a modern word'],
  ['(?:[.;:]|(?://|\\*)) What (?:has|had|have)(?! (?:become|to)\\b)', 'subject first: "A request that has waited ..."'],
]

const CHECKED = ['src', 'test', 'docs', 'bin', '.ci', 'README.md', 'package.json']
const EXTENSIONS = /\.(?:ts|js|mjs|cjs|md|py|sql|sh|json)$|\/[^./]+$/
const SKIPPED = [/node_modules/, /^\.ci\/check-words\.js$/, /third-party-licenses/]

// A break between two words of a phrase: white space, and the mark that begins the next line of a comment or quotation.
const BREAK = '(?:[ \\t]+|[ \\t]*\\n[ \\t]*(?:(?://|\\*|#|>)[ \\t]*)?)'
const searches = PHRASES.map(([phrase, instead]) => {
  const before = /^\w|^\(\?:\w/.test(phrase) ? '(?<![\\w-])' : ''
  const after = /\w\)?$/.test(phrase) ? '(?![\\w])' : ''
  return { pattern: new RegExp(before + phrase.replaceAll(' ', BREAK) + after, 'gim'), instead }
})

const root = fileURLToPath(new URL('..', import.meta.url))
process.chdir(root)
const found = (process.argv.length > 2 ? process.argv.slice(2) : CHECKED).flatMap(filesIn).flatMap(phrasesIn)
for (const { file, line, text, instead } of found) console.log(`${file}:${line}: "${text}" -> ${instead}`)
if (found.length) console.log(`\n${found.length} phrases to replace: ${countByFolder(found)}`)
process.exitCode = found.length ? 1 : 0

function filesIn(path) {
  if (statSync(path).isFile()) return [relative(root, path)].filter(isChecked)
  return readdirSync(path).flatMap(name => filesIn(`${path}/${name}`))
}

function isChecked(file) {
  return EXTENSIONS.test(file) && !SKIPPED.some(pattern => pattern.test(file))
}

function phrasesIn(file) {
  const text = readFileSync(file, 'utf8')
  const hits = searches.flatMap(({ pattern, instead }) => [...text.matchAll(pattern)].map(hit => ({ hit, instead })))
  const inOrder = hits.sort((a, b) => a.hit.index - b.hit.index)
  return inOrder.map(({ hit, instead }) => ({ file, instead, line: lineOf(text, hit), text: shown(hit[0]) }))
}

function lineOf(text, { 0: phrase, index }) {
  return text.slice(0, index + phrase.search(/\w/)).split('\n').length
}

function shown(phrase) {
  return phrase.trim().replace(/\s+(?:\/\/|\*|#|>)?\s*/g, ' ')
}

function countByFolder(hits) {
  const counts = new Map()
  for (const { file } of hits) {
    const folder = file.split('/').slice(0, 2).join('/')
    counts.set(folder, (counts.get(folder) ?? 0) + 1)
  }
  const sorted = [...counts].sort(([, a], [, b]) => b - a)
  return sorted.map(([folder, count]) => `${folder} ${count}`).join(', ')
}
