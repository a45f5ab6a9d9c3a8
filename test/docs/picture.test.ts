import { afterAll, beforeAll, expect, test } from 'vitest'
import { createSite, type Site } from '../support/site.ts'
import { screenOf } from './picture/screen.ts'
import { COLUMNS, recordSession } from './picture/session.ts'
import { svgOf } from './picture/svg.ts'

// docs/session.svg, the picture in the README. `npm run docs` makes it; this test makes it again and compares it.

let site: Site

beforeAll(async () => {
  site = await createSite()
})
afterAll(() => site?.drop())

test('The picture shows what a session in a terminal prints', async () => {
  const lines = screenOf(await recordSession(site))
  const picture = svgOf(lines, COLUMNS, 'A session with dsctl: create, list, test, diff and apply')
  await expect(picture).toMatchFileSnapshot('../../docs/session.svg')
}, 120_000)
