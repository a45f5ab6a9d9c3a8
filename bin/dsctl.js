#!/usr/bin/env node
let ended = false
require('../dist/main.js')
  .main(process)
  .then(code => {
    ended = true
    process.exitCode = code
  })
// Where nothing is left to wait for before it has come to its end, Node would call it a success.
process.on('exit', code => {
  if (!ended && code === 0) process.exitCode = 1
})
