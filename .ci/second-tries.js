// Names the tests that passed only at their second try: a terminal or a server that a busy machine kept waiting. Where a
// test looks for what happens once in a thousand times, that second try is a failure.
const NO_SECOND_TRY =
  /\/test\/(faults|histories|protocol|contract)\/|\/(races|settling|lagging-reads|canary)\.test\.ts$/

export default class SecondTries {
  found = []

  onTestCaseResult(test) {
    if (test.diagnostic()?.flaky) this.found.push(`${test.module.moduleId}: ${test.fullName}`)
  }

  onTestRunEnd() {
    if (this.found.length === 0) return
    console.log(`Passed at a second try:\n  ${this.found.join('\n  ')}`)
    const failures = this.found.filter(name => NO_SECOND_TRY.test(name.slice(0, name.indexOf(': '))))
    if (failures.length === 0) return
    console.log(`Which is a failure of:\n  ${failures.join('\n  ')}`)
    process.exitCode = 1
  }
}
