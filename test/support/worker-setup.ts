import { syncBuiltinESMExports } from 'node:module'
import v8 from 'node:v8'
import { inject } from 'vitest'

// Commands run in this process. It must keep V8's defaults, which dsctl changes for a short-lived process.
v8.setFlagsFromString = () => {}
syncBuiltinESMExports()

// Packages read these, and a developer may have set them.
for (const name of Object.keys(process.env))
  if (/^(PG|VAULT_|DSCTL_(?!TEST_|SOAK_|CI_))/.test(name)) delete process.env[name]
process.env.HOME = inject('folder')
