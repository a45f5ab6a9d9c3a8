#!/usr/bin/env node
process.exitCode = 1 // where nothing is left to wait for, and it has come to no end
require('../dist/main.js')
  .main(process)
  .then(code => {
    process.exitCode = code
  })
