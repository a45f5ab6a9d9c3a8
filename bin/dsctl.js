#!/usr/bin/env node
// Warnings of Node and of libraries say nothing that users can act on, and would corrupt the JSON on stderr.
process.noDeprecation = true // also against NODE_OPTIONS=--throw-deprecation
process.removeAllListeners('warning')
for (const name of ['debug', 'error', 'info', 'log', 'trace', 'warn']) console[name] = () => {}
let ended = false
require('../dist/main.js')
  .main(process)
  .catch(error => {
    if (error.code !== 'MODULE_NOT_FOUND' && error.code !== 'ENOENT') throw error
    process.stderr.write('dsctl: dsctl was upgraded or removed while this command ran.\nRun it again.\n')
    return 1
  })
  .then(code => {
    ended = true
    process.exitCode = code
  })
// If the event loop becomes empty before main has returned, Node would exit with 0.
process.on('exit', code => {
  if (!ended && code === 0) process.exitCode = 1
})
