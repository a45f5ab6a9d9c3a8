// Adds up vitest's JSON reports. Fails if a test failed or a run had no tests. In the first report, which is of the run
// with all servers, a skipped test or a todo is a failure too.
import { readFileSync } from 'node:fs'

const reports = process.argv.slice(2).map(read)
const sum = key => reports.reduce((total, report) => total + (report?.[key] ?? 0), 0)
const passed = sum('numPassedTests')
// A suite that could not be loaded, or whose hook failed, has no failed test of its own.
const brokenSuites = reports.flatMap(report => report?.testResults ?? []).filter(isBroken)
const failed = sum('numFailedTests') + brokenSuites.length
const [first, ...others] = reports.map(titlesOfSkipped)
const unfinished = reports.filter(report => !report?.success || report.numPassedTests === 0).length

for (const report of reports) if (!report) console.log('A run wrote no report.')
for (const suite of brokenSuites) console.log(`${suite.name}: ${suite.message}`)
// The log of several runs is long, so it ends with a list of the failures.
for (const [file, test] of reports.flatMap(failedTests)) {
  console.log(`Failed: ${file}: ${test.fullName}\n${test.failureMessages.join('\n')}`)
}
if (first.length) console.log(`Skipped, which counts as failed:\n  ${first.join('\n  ')}`)
if (others.flat().length) console.log(`Skipped without servers:\n  ${others.flat().join('\n  ')}`)
console.log(`${passed} passed, ${failed + first.length} failed`)
process.exitCode = failed || first.length || unfinished ? 1 : 0

function read(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    return undefined
  }
}

function isBroken(suite) {
  return suite.status === 'failed' && !suite.assertionResults.some(test => test.status === 'failed')
}

function failedTests(report) {
  return (report?.testResults ?? []).flatMap(({ name, assertionResults }) =>
    assertionResults.filter(({ status }) => status === 'failed').map(test => [name, test])
  )
}

function titlesOfSkipped(report) {
  const tests = (report?.testResults ?? []).flatMap(suite => suite.assertionResults)
  return tests.filter(test => test.status !== 'passed' && test.status !== 'failed').map(test => test.fullName)
}
