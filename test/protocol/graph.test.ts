import { expect, test } from 'vitest'
import { endlessState, graph } from './graph.ts'

const steps = (...all: [number, number][]) => {
  const numbers = graph<number>(0, String)
  for (const [from, to] of all) numbers.add(from, to)
  return numbers
}

test('ways that part and meet again lead to an end', () => {
  expect(endlessState(steps([0, 1], [0, 2], [1, 3], [2, 3], [0, 3]))).toBe(undefined)
})

test('a state that leads back to itself is found, however long the way', () => {
  expect(endlessState(steps([0, 1], [1, 1]))).toBe(1)
  expect(endlessState(steps([0, 1], [1, 2], [2, 3], [3, 1]))).toBe(1)
})

test('a way to a state is a shortest one where states are added breadth first', () => {
  expect(steps([0, 1], [0, 2], [1, 3], [2, 3], [3, 4]).path(4)).toEqual([
    [0, 1],
    [1, 3],
    [3, 4],
  ])
})
