import { expect, test } from 'vitest'
import { placeholderProblem } from '../../../src/source-types/placeholder.ts'

test.each([
  ...['secret_password', 'secret-token', 'private-data', 'hidden_value', 'Secret!', 'masked man'],
  ...['@Admin123@', '@Welcome1@', '%Winter2024%', 'p***w', '$ecret$', '#1 password?'],
])('accepts a password that only resembles a mask or a placeholder: %s', password => {
  expect(placeholderProblem(password)).toBeUndefined()
})

test.each([
  ...['***', 'XXXXXXXXXX', '--------', '[MASKED]', '<hidden>', '(sensitive value)', '***hidden***', 'REDACTED.'],
  ...[`\${DB_PASSWORD}`, '{{ password }}', '%DB_PASSWORD%', '@DB_PASSWORD@', '@@PASSWORD@@', '%password%'],
])('refuses %s', secret => {
  expect(placeholderProblem(secret)).toMatch(/--allow-placeholder/)
})
