import { describe, expect, test } from 'vitest'
import { checkValue } from '../../../src/source-types/check-value.ts'
import type { Field, FieldKind } from '../../../src/source-types/source-type.ts'
import { certificate, fingerprint, openSshKey, pemKey, SAMPLES, serviceAccount } from './samples.ts'

const SECRET_KINDS: readonly FieldKind[] = ['password', 'token', 'private-key', 'service-account-key']

function field(kind: FieldKind, more: Partial<Field> = {}): Field {
  return { label: 'Field', kind, secret: SECRET_KINDS.includes(kind), required: true, ...more }
}

const port = field('integer', { min: 1, max: 65535 })
const mode = field('choice', { choices: ['disable', 'require', 'verify-full'] })

function value(of: Field, raw: unknown): unknown {
  const checked = checkValue(of, raw)
  return 'value' in checked ? checked.value : checked
}

function message(of: Field, raw: unknown): string {
  const checked = checkValue(of, raw)
  return 'message' in checked ? checked.message : 'accepted'
}

describe('integers', () => {
  test.each([
    [1, 1],
    [65535, 65535],
    ['5432', 5432],
    ['0022', 22],
  ])('%j is accepted as %j', (raw, taken) => expect(value(port, raw)).toBe(taken))

  test.each(
    [
      ['abc', 0, 65536, 70000, '70000', '5e3', 1.5, '1.5', -1, '-1', '+1', ' 1', '1 ', '', '0x10', true, false],
      [[], [1], {}, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 60, '9'.repeat(400), '٣', undefined],
    ].flat(),
  )('%j is rejected', raw => expect(message(port, raw)).toBe('must be a whole number from 1 to 65535'))
})

describe('booleans', () => {
  test.each([
    [true, true],
    [false, false],
    ['true', true],
    ['false', false],
  ])('%j is accepted as %j', (raw, taken) => expect(value(field('boolean'), raw)).toBe(taken))

  test.each(['yes', 'True', '1', 1, 0, '', [], {}])('%j is rejected', raw => {
    expect(message(field('boolean'), raw)).toBe('must be true or false')
  })
})

describe('text', () => {
  test.each(['x', 'a b', 'é'.repeat(1024), '🙂'.repeat(1024), '❤️ 👩‍💻'])('a value is accepted unchanged', raw => {
    expect(value(field('text'), raw)).toBe(raw)
  })

  test.each([
    ['', 'must not be empty'],
    ['  ', 'must not be empty'],
    ['x'.repeat(1025), 'must have at most 1,024 characters'],
    ['🙂'.repeat(1025), 'must have at most 1,024 characters'],
    ['a\nb', 'must not contain control characters or line breaks'],
    ['a\u001b[31m', 'must not contain control characters or line breaks'],
    ['a\u0000', 'must not contain control characters or line breaks'],
    ['a\u0085', 'must not contain control characters or line breaks'],
    ['\ud83d', 'must be valid Unicode: it contains half of a surrogate pair'],
    ['[REDACTED]', 'must not contain [REDACTED]'],
    [12, 'must be a string: quote it'],
    [true, 'must be a string: quote it'],
    [['x'], 'must be a string, not a list'],
    [{ a: 1 }, 'must be a string, not an object'],
    [null, 'must not be null: omit it instead'],
  ])('an invalid value is rejected (%#)', (raw, expected) => expect(message(field('text'), raw)).toBe(expected))
})

describe('choices', () => {
  test('a choice is accepted', () => expect(value(mode, 'verify-full')).toBe('verify-full'))

  test('another value is rejected with a suggestion', () => {
    expect(message(mode, 'verify_ful')).toBe(
      'must be one of disable, require, verify-full; did you mean "verify-full"?',
    )
    expect(message(mode, 'banana')).toBe('must be one of disable, require, verify-full')
    expect(message(mode, true)).toBe('must be a string: quote it')
  })
})

describe('passwords', () => {
  test.each([' leading and trailing ', 'tab\there', '   ', 'pässwörd', 'x'.repeat(1024)])(
    'one keeps every byte (%#)',
    raw => {
      expect(value(field('password'), raw)).toBe(raw)
    },
  )

  test.each([
    ['', 'must not be empty'],
    ['a\nb', 'must be one line, without NUL'],
    ['a\n', 'must be one line, without NUL'],
    ['a\rb', 'must be one line, without NUL'],
    ['a\0b', 'must be one line, without NUL'],
    ['x'.repeat(1025), 'must have at most 1,024 characters'],
    [12345, 'must be a string: quote it'],
  ])('an invalid value is rejected (%#)', (raw, expected) => expect(message(field('password'), raw)).toBe(expected))
})

describe('tokens', () => {
  test('printable ASCII is accepted', () => expect(value(field('token'), 'dapi~!0aZ')).toBe('dapi~!0aZ'))

  test.each(['a b', 'a\n', 'a\0', 'é', 'a\tb'])('%j is rejected', raw => {
    expect(message(field('token'), raw)).toBe('must be printable ASCII, without spaces or line breaks')
  })
})

test.each(['[REDACTED]', '****', '********', '<redacted>', ' [redacted] '])('the mask %s is rejected', mask => {
  for (const kind of SECRET_KINDS) expect(message(field(kind), mask)).toBe('is a mask: enter the secret itself')
})

describe('fingerprints', () => {
  test('padding is removed, so equal fingerprints compare as equal', () => {
    expect(value(field('host-key-fingerprint'), fingerprint)).toBe(fingerprint)
    expect(value(field('host-key-fingerprint'), `${fingerprint}=`)).toBe(fingerprint)
  })

  test.each(['MD5:00:11', 'SHA256:', 'SHA256:abc', fingerprint.slice(7), `${fingerprint}AA`])('%s is rejected', raw => {
    expect(message(field('host-key-fingerprint'), raw)).toMatch(/^must be SHA256:/)
  })
})

describe('service account keys', () => {
  const key = field('service-account-key')

  test('an object and its JSON text are accepted as an object', () => {
    expect(value(key, serviceAccount)).toEqual(serviceAccount)
    expect(value(key, JSON.stringify(serviceAccount))).toEqual(serviceAccount)
  })

  test.each([
    ['MARKER not JSON', 'must be the JSON object of a service account key'],
    ['[]', 'must be the JSON object of a service account key'],
    [[serviceAccount], 'must be the JSON object of a service account key'],
    [12, 'must be the JSON object of a service account key'],
    ['', 'must be the JSON object of a service account key'],
    [{ ...serviceAccount, type: 'authorized_user' }, 'its type must be "service_account"'],
    [{ ...serviceAccount, project_id: undefined }, 'its project_id is missing or not a string'],
    [{ ...serviceAccount, project_id: '' }, 'its project_id must not be empty'],
    [{ ...serviceAccount, client_email: 7 }, 'its client_email is missing or not a string'],
    [{ ...serviceAccount, more: 'x'.repeat(65536) }, 'must be at most 64 KiB'],
  ])('an invalid key is rejected', (raw, expected) => expect(message(key, raw)).toBe(expected))

  test('an invalid private key is rejected with all problems', () => {
    const found = message(key, { type: 'service_account', private_key: 'MARKER' })
    expect(found).toMatch(/project_id is missing.*client_email is missing.*private_key must be a private key in PEM/)
    expect(found).not.toContain('MARKER')
  })

  test('an object that contains itself is rejected', () => {
    const circular: Record<string, unknown> = { ...serviceAccount }
    circular.self = circular
    expect(message(key, circular)).toBe('must be the JSON object of a service account key')
  })
})

test('keys and certificates keep every byte, and keys lose what is around them', () => {
  expect(value(field('private-key'), openSshKey)).toBe(openSshKey)
  for (const key of [pemKey, `\n${pemKey}\n`, pemKey.replaceAll('\n', '\r\n'), pemKey.trimEnd()]) {
    expect(value(field('private-key'), key)).toBe(pemKey)
  }
  expect(value(field('certificates'), certificate)).toBe(certificate)
})

test('every sample is valid for its kind', () => {
  for (const kind of Object.keys(SAMPLES) as FieldKind[]) {
    expect(checkValue(field(kind, { choices: ['require'] }), SAMPLES[kind])).toHaveProperty('value')
  }
})
