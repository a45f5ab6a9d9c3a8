import { expect, test } from 'vitest'
import { findClosest } from '../../src/lib/did-you-mean.ts'

const words = ['host', 'port', 'username', 'default_database', 'ssh_private_key', 'ssh_private_key_passphrase']

test.each([
  ['hsot', 'host'],
  ['prot', 'port'],
  ['pot', 'port'],
  ['usrname', 'username'],
  ['user_name', 'username'],
  ['Default-Database', 'default_database'],
  ['defaultdatabase', 'default_database'],
  ['ssh_privat_key', 'ssh_private_key'],
])('%s was probably meant to be %s', (typed, meant) => expect(findClosest(typed, words)).toBe(meant))

test.each(['', 'x', 'banana', 'hs'])('nothing is near to %j', typed => {
  expect(findClosest(typed, words)).toBeUndefined()
})

test('the nearest of several is chosen', () => {
  expect(findClosest('hosts', ['ports', 'horst', 'host'])).toBe('host')
})

test('a word far too long is near to nothing', () => {
  expect(findClosest('host'.repeat(10_000), words)).toBeUndefined()
})
