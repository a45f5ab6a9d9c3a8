import { expect, test } from 'vitest'
import { ExactNumber, parseExactJson, stringifyExactJson } from '../../src/lib/exact-json.ts'

const UNCHANGED = [
  '{"id":123456789012345678901,"list":[1.0,-1e400,0.10,1E2,-0],"text":"1.0, 1e400","n":{"a":null,"b":true}}',
  '{"quoted":"a \\"number:\\": 1.50","deep":[[0.1000000000000000055]]}',
  '{"small":1,"negative":-2,"fraction":1.5,"empty":{}}',
  '[1.0]',
]

test.each(UNCHANGED)('keeps every digit of %s', text => {
  expect(stringifyExactJson(parseExactJson(text))).toBe(text)
})

test('leaves a number that JavaScript writes in the same way as it is', () => {
  expect(parseExactJson('{"port":5432,"rate":0.5,"long":12345678901234567890}')).toEqual({
    port: 5432,
    rate: 0.5,
    long: new ExactNumber('12345678901234567890'),
  })
})

test('keeps a key named __proto__', () => {
  expect(stringifyExactJson(parseExactJson('{"__proto__":{"a":1.0}}'))).toBe('{"__proto__":{"a":1.0}}')
})

test.each(['{"a":01.0}', '{"a":1.0.0}', '{"a":1.0', 'no JSON: 1.0'])('rejects %s', text => {
  expect(() => parseExactJson(text)).toThrow(SyntaxError)
})
