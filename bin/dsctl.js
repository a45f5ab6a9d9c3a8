#!/usr/bin/env node
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
