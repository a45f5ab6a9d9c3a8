import { expect, test } from 'vitest'
import { endlessState, graph } from './graph.ts'

const steps = (...all: [number, number][]) => {
  const numbers = graph<number>(0, String)
  for (const [from, to] of all) numbers.add(from, to)
  return numbers
}

test('paths that split and meet again contain no cycle', () => {
  expect(endlessState(steps([0, 1], [0, 2], [1, 3], [2, 3], [0, 3]))).toBe(undefined)
})

test('a state that leads back to itself is found, at any distance', () => {
  expect(endlessState(steps([0, 1], [1, 1]))).toBe(1)
  expect(endlessState(steps([0, 1], [1, 2], [2, 3], [3, 1]))).toBe(1)
})

test('breadth first, the path to a state is a shortest one', () => {
  expect(steps([0, 1], [0, 2], [1, 3], [2, 3], [3, 4]).path(4)).toEqual([
    [0, 1],
    [1, 3],
    [3, 4],
  ])
})
