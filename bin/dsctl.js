#!/usr/bin/env node
// Warnings of Node and of libraries say nothing that users can act on, and would corrupt the JSON on stderr.
process.noDeprecation = true // also against NODE_OPTIONS=--throw-deprecation
process.removeAllListeners('warning')
for (const name of ['debug', 'error', 'info', 'log', 'trace', 'warn']) console[name] = () => {}
let ended = false
require('../dist/main.js')
  .main(process)
  .then(code => {
    ended = true
    process.exitCode = code
  })
// If the event loop becomes empty before main has returned, Node would exit with 0.
process.on('exit', code => {
  if (!ended && code === 0) process.exitCode = 1
})
